//go:build !linux && !darwin && !freebsd

package app

import "errors"

func freeBytes(string) (uint64, error) {
	return 0, errors.New("not on this operating system")
}
