// Package version says which build of orgflow a program is.
package version

import (
	"cmp"
	"runtime"
	"runtime/debug"
)

// number is set by the linker: -X orgflow/internal/version.number=v0.1.0. The
// Makefile takes it from the newest tag; go run and go test leave it empty.
var number string

// Number is the version: a tag (v0.1.0), a tag with the commits since
// (v0.1.0-3-g1a2b3c4), or devel for a build that nobody named.
func Number() string { return choose(number, debug.ReadBuildInfo) }

// Line is what --version prints: program, version, Go, system.
func Line(program string) string {
	return program + " " + Number() + " (" + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH + ")"
}

// choose prefers the linker's number to the module's, which go install of a
// tagged module records.
func choose(linked string, read func() (*debug.BuildInfo, bool)) string {
	var module string
	if info, ok := read(); ok && info.Main.Version != "(devel)" {
		module = info.Main.Version
	}
	return cmp.Or(linked, module, "devel")
}
