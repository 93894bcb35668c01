// SPDX-License-Identifier: Apache-2.0

// Command conformance is the driver of tests/conformance/clients for the Go client. It reads one operation per line from
// standard input, as JSON, and writes one JSON object per operation to standard output.
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
	if err := run(os.Stdin, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(in io.Reader, out io.Writer) error {
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
		var op operation
		var answer any
		if err = json.Unmarshal(line, &op); err == nil {
			answer, err = driver.do(op)
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
