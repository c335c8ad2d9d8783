package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/vmpooler/vmpooler_exporter/dlq"
)

// unknownPoolError says that nobody knows a pool by this name.
type unknownPoolError struct {
	Name string
	Near []string // pools with a name like it
}

// Error implements error.
func (e *unknownPoolError) Error() string {
	text := fmt.Sprintf("--pool=%s: neither Redis nor the file knows this pool", e.Name)
	if len(e.Near) > 0 {
		text += "; did you mean " + dlq.Clean(strings.Join(e.Near, ", ")) + "?"
	}
	return text
}

// nearPools returns up to three of the known pools that have a name like this one,
// the nearest first.
func nearPools(name string, known []string) []string {
	const most = 3
	type candidate struct {
		pool string
		far  int
	}
	var near []candidate
	lower := strings.ToLower(name)
	for _, pool := range slices.Compact(slices.Sorted(slices.Values(known))) {
		is := strings.ToLower(pool)
		far := editDistance(lower, is)
		if far <= max(2, len(name)/4) || name != "" && (strings.Contains(is, lower) || strings.Contains(lower, is)) {
			near = append(near, candidate{pool, far})
		}
	}
	slices.SortFunc(near, func(a, b candidate) int { return cmp.Or(cmp.Compare(a.far, b.far), cmp.Compare(a.pool, b.pool)) })
	names := make([]string, 0, most)
	for _, c := range near[:min(len(near), most)] {
		names = append(names, c.pool)
	}
	return names
}

// editDistance is how many letters must be put in, left out or changed to make b of
// a.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := diagonal
			if a[i-1] != b[j-1] {
				change++
			}
			diagonal = row[j]
			row[j] = min(row[j]+1, row[j-1]+1, change)
		}
	}
	return row[len(b)]
}
