// Command cmd writes what the mixin compiles to into alerts/ and dashboards/.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/vmpooler/vmpooler_exporter/mixin/compile"
)

func main() {
	root := flag.String("root", ".", "the project's folder")
	flag.Parse()
	files, err := compile.Files(filepath.Join(*root, "mixin"))
	if err == nil {
		err = compile.Write(*root, files)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mixin:", err)
		os.Exit(1)
	}
}
