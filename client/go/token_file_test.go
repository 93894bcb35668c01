// SPDX-License-Identifier: Apache-2.0

package qconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func writeToken(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTokenFileHasOneLineOfPrintableASCII(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	for _, test := range []struct{ text, problem string }{
		{"", "is empty"},
		{" \n\n", "is empty"},
		{"secret\nsecret2\n", "has several lines"},
		{"secret\rsecret2", "has several lines"},
		{"Bearer secret", `without "Bearer"`},
		{" secret", "has a space"},
		{"\xEF\xBB\xBFsecret", "not printable ASCII"},
		{"secret\x7F", "not printable ASCII"},
		{"secret\x00", "not printable ASCII"},
		{strings.Repeat("s", 7169), "has more than 7168 bytes"},
	} {
		writeToken(t, path, test.text)
		_, err := readToken(path)
		if err == nil || !strings.HasPrefix(err.Error(), "token file "+path+": ") || !strings.Contains(err.Error(), test.problem) ||
			strings.Contains(err.Error(), "secret") {
			t.Errorf("%.20q: %v", test.text, err)
		}
	}
	for _, token := range []string{"a.b-c_d~e+f/g==", strings.Repeat("s", 7168)} {
		text := token
		if len(text) < 100 {
			text += " \t\r\n\n"
		}
		writeToken(t, path, text)
		if got, err := readToken(path); got != token || err != nil {
			t.Errorf("%.20q: %.20q, %v", text, got, err)
		}
	}
}

func TestTokenFileThatIsNoFile(t *testing.T) {
	folder := t.TempDir()
	missing := filepath.Join(folder, "missing")
	const isToken = "the token file is a token; write the token to a file, and name that file"
	for path, want := range map[string]string{
		missing:                  "token file " + missing + ": cannot be opened: no such file or directory",
		folder:                   "token file " + folder + ": is not a regular file",
		"eyJ.txt":                "token file eyJ.txt: cannot be opened: no such file or directory",
		"/nowhere/qct_ci":        "token file /nowhere/qct_ci: cannot be opened: no such file or directory",
		"qct_secret":             isToken,
		"Bearer qct_secret":      isToken,
		" qct_secret":            isToken,
		"'qct_secret'":           isToken,
		"eyJh.e30.secret":        isToken,
		"Bearer eyJh.e30.secret": isToken,
	} {
		if _, err := readToken(path); err == nil || err.Error() != want {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestTokenFileIsReadAtMostOnceASecond(t *testing.T) {
	file := &tokenFile{path: filepath.Join(t.TempDir(), "token")}
	start := time.Unix(1_000_000, 0)
	check := func(now time.Time, want string) {
		t.Helper()
		if got, err := file.read(now); got != want || (err == nil) != (want != "") {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
	check(start, "")
	writeToken(t, file.path, "one")
	check(start, "one") // an error is not kept
	writeToken(t, file.path, "two")
	check(start.Add(999*time.Millisecond), "one")
	check(start.Add(time.Second), "two")
	writeToken(t, file.path, "new")
	check(start, "new") // the clock was set back
	if err := os.Remove(file.path); err != nil {
		t.Fatal(err)
	}
	check(start.Add(2*time.Second), "")
}

func TestTokenOptionsOfTheEnvironment(t *testing.T) {
	t.Setenv("QCONFIG_TOKEN_FILE", "")
	if file := (Options{}).token(); file != nil {
		t.Errorf("%+v", file)
	}
	t.Setenv("QCONFIG_TOKEN_FILE", "/run/token")
	if path := (Options{}).token().path; path != "/run/token" {
		t.Error(path)
	}
	if path := (Options{TokenFile: "mine"}).token().path; path != "mine" {
		t.Error(path)
	}
	for value, allowed := range map[string]bool{"true": true, "false": false, "": false, "yes please": false} {
		t.Setenv("QCONFIG_ALLOW_UNENCRYPTED_TOKEN", value)
		if (Options{}).token().allowUnencrypted != allowed {
			t.Errorf("%q", value)
		}
	}
	t.Setenv("QCONFIG_ALLOW_UNENCRYPTED_TOKEN", "true")
	if !(Options{TokenFile: "mine"}).token().allowUnencrypted {
		t.Error("the environment has no effect on the token of the options")
	}
	if file := (Options{NoToken: true}).token(); file != nil {
		t.Errorf("%+v", file)
	}
	t.Setenv("QCONFIG_ALLOW_UNENCRYPTED_TOKEN", "false")
	if !(Options{AllowUnencryptedToken: true}).token().allowUnencrypted {
		t.Error("the option has no effect")
	}
}
