// SPDX-License-Identifier: Apache-2.0

// Command conformance is the driver of the Go client for tests/conformance/clients: it reads an operation in each line of
// standard input, and writes what came of it as a line of standard output.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
)

func main() {
	if err := obey(os.Stdin, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func obey(in io.Reader, out io.Writer) error {
	driver := &driver{}
	defer driver.close()
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		var asked operation
		var answer any
		if err = json.Unmarshal(line, &asked); err == nil {
			answer, err = driver.do(asked)
		}
		if err != nil {
			answer = map[string]string{"driver_error": err.Error()}
		}
		text, err := json.Marshal(answer)
		if err != nil {
			return fmt.Errorf("answer to %s: %w", line, err)
		}
		if _, err := out.Write(append(text, '\n')); err != nil {
			return err
		}
	}
}
