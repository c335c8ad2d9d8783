package config

import (
	"errors"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

const maxPasswordSize = 64 << 10

var (
	errPasswordEmpty = errors.New("the file is empty")
	errPasswordSize  = errors.New("the file is larger than 64 KiB")
	errPasswordText  = errors.New("the file is not UTF-8 text")
	errDirectory     = errors.New("is a directory")
)

// CurrentPassword returns the password to log in with now: PasswordFile is
// read anew, so that a password that changes there is taken up by the next
// connection. Without a file it is Password. The error names the file.
func (r Redis) CurrentPassword() (Secret, error) { return current(r.Password, r.PasswordFile) }

// CurrentSentinelPassword is CurrentPassword for the Sentinels.
func (r Redis) CurrentSentinelPassword() (Secret, error) {
	return current(r.SentinelPassword, r.SentinelPasswordFile)
}

func current(password Secret, file string) (Secret, error) {
	if file == "" {
		return password, nil
	}
	return readPassword(file)
}

// readPassword reads a password from a file, without the line's end that an
// editor leaves there.
func readPassword(path string) (Secret, error) {
	data, err := readLimited(path, maxPasswordSize)
	switch {
	case err != nil:
		return "", err
	case len(data) > maxPasswordSize:
		err = errPasswordSize
	case !utf8.Valid(data):
		err = errPasswordText
	}
	if err != nil {
		return "", &os.PathError{Op: "read", Path: path, Err: err}
	}
	password := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	if password == "" {
		return "", &os.PathError{Op: "read", Path: path, Err: errPasswordEmpty}
	}
	return Secret(password), nil
}

// readLimited reads at most one byte more than limit.
func readLimited(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit+1))
}

// reason is what the operating system said, without the path, which the
// message has already.
func reason(err error) error {
	if pathErr, ok := errors.AsType[*os.PathError](err); ok {
		return pathErr.Err
	}
	return err
}

// readable says why a file cannot be read, if it cannot.
func readable(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = errDirectory
	}
	return err
}
