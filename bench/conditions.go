package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// conditions are what figures depend on beside the programs.
type conditions struct {
	began time.Time
	load  string // average before
}

func conditionsNow() conditions { return conditions{time.Now(), loadAverage()} }

// print says them after everything was measured.
func (c conditions) print(out io.Writer, sizes []string) {
	fmt.Fprintf(out, "\n%d processors, load average %s before and %s after, %s, %s/%s, %s, begun at %s, took %v\n",
		runtime.NumCPU(), c.load, loadAverage(), runtime.Version(), runtime.GOOS, runtime.GOARCH, kernel(),
		c.began.UTC().Format(time.DateTime+" UTC"), time.Since(c.began).Round(time.Second))
	for _, size := range sizes {
		fmt.Fprintln(out, "  "+size)
	}
	fmt.Fprintln(out)
}

// loadAverage is that of the last minute.
func loadAverage() string { return firstWord("/proc/loadavg") }

func kernel() string { return "kernel " + firstWord("/proc/sys/kernel/osrelease") }

func firstWord(file string) string {
	raw, err := os.ReadFile(file)
	if fields := strings.Fields(string(raw)); err == nil && len(fields) > 0 {
		return fields[0]
	}
	return "unknown"
}
