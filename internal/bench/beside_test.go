package bench

import (
	"bufio"
	bytesof "encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/vmpooler/vmpooler_exporter/internal/testredis"
)

// envBeside holds the socket of the Redis that another client, a child process, asks.
const envBeside = "VMPOOLER_EXPORTER_BENCH_BESIDE"

// beside are the times of another client's answers, while f runs. The client is a
// process of its own, so that it measures Redis and not this program's scheduler.
func beside(b *testing.B, socket string, f func()) samples {
	b.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), envBeside+"="+socket, "GOMAXPROCS=1")
	child.Stderr = os.Stderr
	testredis.DieWithParent(child)
	stop, err := child.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := child.Start(); err != nil {
		b.Fatal(err)
	}
	f()
	stop.Close()
	var took samples
	for r := bufio.NewReader(out); ; {
		var nanoseconds int64
		if err = bytesof.Read(r, bytesof.LittleEndian, &nanoseconds); err != nil {
			break
		}
		took = append(took, time.Duration(nanoseconds))
	}
	if err = errors.Join(child.Wait(), notEOF(err)); err != nil {
		b.Fatal("the other client: ", err)
	}
	return took
}

func notEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// besideChild is the other client: a GET every half millisecond until stdin ends, then
// how long each answer took. It calls the system itself, without the runtime's poller.
func besideChild(socket string) error {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return err
	}
	defer conn.Close()
	file, err := conn.(*net.UnixConn).File()
	if err != nil {
		return err
	}
	defer file.Close()
	stop := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(stop)
	}()
	took, err := getAgainAndAgain(file, stop)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(os.Stdout)
	for _, d := range took {
		if err := bytesof.Write(w, bytesof.LittleEndian, d.Nanoseconds()); err != nil {
			return err
		}
	}
	return w.Flush()
}

func getAgainAndAgain(file *os.File, stop <-chan struct{}) (took samples, err error) {
	fd := int(file.Fd()) // blocking from here on
	request, reply := []byte("GET vmpooler__tasks__clone\r\n"), make([]byte, 64)
	for {
		select {
		case <-stop:
			return took, nil
		default:
		}
		began := time.Now()
		if _, err := syscall.Write(fd, request); err != nil {
			return took, err
		}
		if _, err := syscall.Read(fd, reply); err != nil {
			return took, err
		}
		took = append(took, time.Since(began))
		pause := syscall.Timespec{Nsec: int64(500 * time.Microsecond)}
		_ = syscall.Nanosleep(&pause, nil)
	}
}
