package bench

import (
	"net"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// beside are the times of another client's answers, while f runs: a GET every half
// millisecond, by a thread of its own and without the runtime's poller, so that it
// measures Redis and not this program.
func beside(b *testing.B, socket string, f func()) samples {
	b.Helper()
	conn, err := net.Dial("unix", socket)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	file, err := conn.(*net.UnixConn).File()
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	stop, done := make(chan struct{}), make(chan samples)
	go func() {
		took, err := getAgainAndAgain(file, stop)
		if err != nil {
			b.Error(err)
		}
		done <- took
	}()
	f()
	close(stop)
	return <-done
}

func getAgainAndAgain(file *os.File, stop <-chan struct{}) (took samples, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
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
