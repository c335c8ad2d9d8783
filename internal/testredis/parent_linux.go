package testredis

import (
	"os/exec"
	"syscall"
)

// DieWithParent ends the command's process with a test binary that is killed,
// where the system can do that.
func DieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
