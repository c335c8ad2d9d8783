package compile

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"go.yaml.in/yaml/v3"
)

// order is how people write and read a rule; what is not named follows, in the
// order it came in.
var order = []string{"apiVersion", "kind", "name", "interval", "alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations", "namespace"}

// formatJSON indents by two, and leaves numbers and the order of keys as they are.
func formatJSON(_, text string) ([]byte, error) {
	var out bytes.Buffer
	if err := json.Indent(&out, bytes.TrimSpace([]byte(text)), "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// formatYAML says where the file comes from, lays texts of several lines out as
// such, and puts the keys of rules in their usual order.
func formatYAML(source, text string) ([]byte, error) {
	var out bytes.Buffer
	fmt.Fprintf(&out, "# Generated from mixin/%s: change that, then run: make mixin\n", source)
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	dec := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	n := 0
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		n++
		tidy(&doc)
		if err := enc.Encode(&doc); err != nil {
			return nil, err
		}
	}
	if n == 0 {
		return nil, errors.New("it is empty")
	}
	return out.Bytes(), enc.Close()
}

// tidy drops the styles that the jsonnet library chose, and orders keys.
func tidy(n *yaml.Node) {
	n.Style = 0
	if n.Kind == yaml.MappingNode {
		orderKeys(n)
	}
	for _, child := range n.Content {
		tidy(child)
	}
}

func orderKeys(n *yaml.Node) {
	type pair struct{ key, value *yaml.Node }
	pairs := make([]pair, 0, len(n.Content)/2)
	for kv := range slices.Chunk(n.Content, 2) {
		pairs = append(pairs, pair{kv[0], kv[1]})
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return cmp.Compare(rank(a.key.Value), rank(b.key.Value)) })
	n.Content = n.Content[:0]
	for _, p := range pairs {
		n.Content = append(n.Content, p.key, p.value)
	}
}

func rank(key string) int {
	if i := slices.Index(order, key); i >= 0 {
		return i
	}
	return len(order)
}
