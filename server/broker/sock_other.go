//go:build unix && !linux

package broker

import "syscall"

func sockRead(fd uintptr, b []byte) (int, error)  { return syscall.Read(int(fd), b) }
func sockWrite(fd uintptr, b []byte) (int, error) { return syscall.Write(int(fd), b) }
