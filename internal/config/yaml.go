package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxFileSize is far beyond any real vmpooler.yaml (a thousand pools take
// 400 KiB) and small enough that its tree fits in memory.
const maxFileSize = 4 << 20

// parse reads the YAML of one file. It returns nil for an empty file. The
// error is an *Error and repeats nothing of the file.
func parse(name string, data []byte, r *report) (_ *value, err error) {
	at := place{file: name}
	if len(data) > maxFileSize {
		return nil, &Error{File: name, Msg: fmt.Sprintf("is larger than %d MiB", maxFileSize>>20)}
	}
	if line := invalidUTF8(data); line > 0 {
		return nil, &Error{File: name, Line: line, Msg: "is not valid UTF-8"}
	}
	defer func() {
		// The YAML library keeps a few panics for what it thinks impossible.
		// No file may end the exporter.
		if p := recover(); p != nil {
			err = &Error{File: name, Msg: "cannot be read as YAML"}
		}
	}()

	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			r.warn(at, "", "is empty")
			return nil, nil
		}
		return nil, syntaxError(name, data, err)
	}
	var next yaml.Node
	if dec.Decode(&next) == nil {
		r.warn(place{name, next.Line}, "", "vmpooler reads only the first document of a file: what follows does nothing")
	}

	root := resolve(doc.Content[0])
	if root.Kind == yaml.ScalarNode && readScalar(root).kind == scalarNull {
		r.warn(at, "", "is empty")
		return nil, nil
	}
	if root.Kind != yaml.MappingNode {
		return nil, &Error{File: name, Line: root.Line, Msg: "must be a map with :config: and the like at its top"}
	}
	return newConverter(name, r).convert(root)
}

var (
	yamlLine      = regexp.MustCompile(`^line (\d+): `)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// syntaxError makes an *Error of the library's. An unquoted password that
// begins with * reads as a reference to an anchor, and the library names the
// anchor that it does not know: that name must go no further.
func syntaxError(name string, data []byte, err error) *Error {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	e := &Error{File: name, Line: 1} // the library leaves out the first line's number
	if m := yamlLine.FindStringSubmatch(msg); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
		msg = msg[len(m[0]):]
	}
	if m := unknownAnchor.FindStringSubmatch(msg); m != nil {
		if before, _, ok := bytes.Cut(data, []byte("*"+m[1])); ok {
			e.Line = 1 + bytes.Count(before, []byte("\n"))
		}
		msg = "an alias of something that is not defined before (a text that begins with * must be quoted)"
	}
	// It counts from where the construct began, which may be a line off.
	e.Msg = "is not valid YAML hereabouts: " + msg
	return e
}

// invalidUTF8 returns the line of the first byte that is no UTF-8, or 0.
func invalidUTF8(data []byte) int {
	line := 1
	for len(data) > 0 {
		c, size := utf8.DecodeRune(data)
		if c == utf8.RuneError && size == 1 {
			return line
		}
		if c == '\n' {
			line++
		}
		data = data[size:]
	}
	return 0
}

var errTooManyAliases = errors.New("uses too many aliases or merge keys")
