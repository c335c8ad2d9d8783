package bench

import (
	"bytes"
	"errors"
	"io"
	"os/exec"
	"slices"
	"testing"
)

// fullQueue is the default of dlq_max_entries; there are three queues.
const fullQueue = 10_000

// BenchmarkCommands times the commands that an operator waits for, each as a
// process of its own: its start, the connection and its output are in the time.
func BenchmarkCommands(b *testing.B) {
	const page = 50
	s := startSite(b, pools, ready)
	s.letters(b, fullQueue)
	var lists, stats samples
	for b.Loop() {
		lists.time(func() { s.dlq(b, page+1, "list", "--limit=50") }) // and a line of titles
		stats.time(func() { s.dlq(b, len(causes), "stats") })
	}
	if !enough(b, len(lists), 5) {
		return
	}
	list, stat := ms(lists.median()), ms(stats.median())
	b.ReportMetric(list, "list-ms")
	b.ReportMetric(stat, "stats-ms")
	table.add(b, "`dlq list --limit 50` of 30,000 entries, process, median", atMost(100, " ms"), list, "%.0f ms", list)
	table.add(b, "`dlq stats` of 30,000 entries, process, median", atMost(300, " ms"), stat, "%.0f ms", stat)
}

// BenchmarkExport times `dlq export`, and holds its memory against that of an
// export of a tenth of the entries: it must not grow with them.
func BenchmarkExport(b *testing.B) {
	full, tenth := startSite(b, pools, ready), startSite(b, pools, ready)
	full.letters(b, fullQueue)
	tenth.letters(b, fullQueue/10)
	var exports samples
	var peaks, peaksTenth []float64
	for b.Loop() {
		exports.time(func() { peaks = append(peaks, full.exportPeak(b, 3*fullQueue)) })
		peaksTenth = append(peaksTenth, tenth.exportPeak(b, 3*fullQueue/10))
	}
	if !enough(b, len(exports), 5) {
		return
	}
	x := middle(peaks) / middle(peaksTenth)
	b.ReportMetric(ms(exports.median()), "export-ms")
	b.ReportMetric(x, "x-RSS")
	table.add(b, "`dlq export` of 30,000 entries, process, median", unchecked(""), ms(exports.median()), "%.0f ms", ms(exports.median()))
	table.add(b, "its peak RSS / that of exporting 3,000, medians", target{"≤ 1.25: constant", 1.25}, x, "%.2f (%.1f MiB)", x, middle(peaks))
}

// dlqCommand is a `dlq` command of the program, for the site's Redis.
func (s *site) dlqCommand(args ...string) *exec.Cmd {
	return exec.Command(binary, append([]string{"dlq", "--redis.addr=unix://" + s.server.Socket}, args...)...)
}

// dlq runs a `dlq` command with its output in a pipe, of at least that many
// lines.
func (s *site) dlq(b *testing.B, least int, args ...string) {
	b.Helper()
	cmd := s.dlqCommand(args...)
	var n lineCount
	var remarks bytes.Buffer
	cmd.Stdout, cmd.Stderr = &n, &remarks
	if err := cmd.Run(); err != nil || int(n) < least {
		b.Fatalf("dlq %v: %v, %d lines, want %d\n%s", args, err, n, least, &remarks)
	}
}

// lineCount is a writer that counts lines.
type lineCount int

func (n *lineCount) Write(p []byte) (int, error) {
	*n += lineCount(bytes.Count(p, []byte{'\n'}))
	return len(p), nil
}

// exportPeak exports that many entries and returns the most memory, in MiB, that
// the process had while it wrote; looking takes 1 % of its time. The kernel's own
// account at the end of a process would not do: it begins with the memory of the
// one that started it, which is ours.
func (s *site) exportPeak(b *testing.B, entries int) (mib float64) {
	b.Helper()
	cmd := s.dlqCommand("export")
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	var lines lineCount
	for chunk := make([]byte, 64<<10); err == nil; {
		var n int
		n, err = out.Read(chunk)
		lines.Write(chunk[:n])
		seen, _ := memory(cmd.Process.Pid, "VmHWM") // 0 once it has ended
		mib = max(mib, seen)
	}
	if !errors.Is(err, io.EOF) {
		b.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || int(lines) != entries || mib == 0 {
		b.Fatalf("dlq export: %v, %d lines, want %d, peak of %v MiB", err, lines, entries, mib)
	}
	return mib
}

func middle(numbers []float64) float64 {
	return slices.Sorted(slices.Values(numbers))[len(numbers)/2]
}
