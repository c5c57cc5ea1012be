package broker

import (
	"syscall"
	"unsafe"
)

// sockRead and sockWrite are read(2) and write(2) on a socket that does not block. They don't tell the scheduler of the call, as
// it returns at once: syscall.Write costs a quarter more processor time a delivery, because a write to the loopback interface
// takes longer than the 20 µs after which the runtime gives the processor to another thread.

func sockRead(fd uintptr, b []byte) (int, error) {
	n, _, e := syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}

func sockWrite(fd uintptr, b []byte) (int, error) {
	n, _, e := syscall.RawSyscall(syscall.SYS_WRITE, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	if e != 0 {
		return 0, e
	}
	return int(n), nil
}
