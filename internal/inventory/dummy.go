package inventory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/vmpooler/vmpooler_exporter/internal/config"
)

// dummy reads the file in which vmpooler's provider for tests keeps its VMs. Without
// one they are in vmpooler's memory only. The value is the file's path.
type dummy struct{ path string }

// maxDummyFile is far beyond any test's file, in bytes.
const maxDummyFile = 64 << 20

// dummyFile is as much of the file as is read.
type dummyFile struct {
	Pool map[string]*[]struct {
		Name string `yaml:"name"`
	} `yaml:"pool"`
}

// List implements Lister. A pool that the file does not name is an error: vmpooler
// writes one only with its first VM.
func (d dummy) List(ctx context.Context, pool config.Pool) ([]string, error) {
	if d.path == "" {
		return nil, errors.New("it keeps its VMs in vmpooler's memory: without a filename in vmpooler.yaml it can't be asked")
	}
	data, err := d.read(ctx)
	if err != nil {
		return nil, err
	}
	var file dummyFile
	if err := yaml.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("%s is not what the dummy provider writes: %w", d.path, err)
	}
	vms := file.Pool[pool.Name]
	if vms == nil {
		return nil, fmt.Errorf("%s does not name the pool", d.path)
	}
	names := make([]string, 0, len(*vms))
	for _, vm := range *vms {
		names = append(names, vm.Name)
	}
	return names, nil
}

const (
	// dummyQuiet is how long nobody may have written to the file. One system
	// call or two write it, in far less.
	dummyQuiet = 100 * time.Millisecond
	dummyTries = 40 // four seconds for a file that is always written
)

// read reads the file, which vmpooler empties and writes anew at every change: half
// a file is often a valid one, with some VMs less.
func (d dummy) read(ctx context.Context) ([]byte, error) {
	for range dummyTries {
		before, err := os.Stat(d.path)
		if err != nil {
			return nil, err
		}
		if time.Since(before.ModTime()) < dummyQuiet {
			sleep(ctx, dummyQuiet)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			continue
		}
		data, err := d.readOnce()
		if err != nil {
			return nil, err
		}
		after, err := os.Stat(d.path)
		if err != nil {
			return nil, err
		}
		if before.ModTime().Equal(after.ModTime()) && int64(len(data)) == after.Size() {
			if len(data) == 0 {
				return nil, fmt.Errorf("%s is empty", d.path)
			}
			return data, nil
		}
	}
	return nil, fmt.Errorf("%s is written all the time", d.path)
}

func (d dummy) readOnce() ([]byte, error) {
	f, err := os.Open(d.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", d.path)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxDummyFile+1))
	if err == nil && len(data) > maxDummyFile {
		err = fmt.Errorf("%s is larger than %d MiB", d.path, maxDummyFile>>20)
	}
	return data, err
}
