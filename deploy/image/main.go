// Command image packs a static program into an archive that "docker load" and
// "podman load" read, without an engine: the image that the Dockerfile's stage
// of the same name builds, with the root certificates of a pinned list of
// Mozilla's in place of the builder's. The same input gives the same bytes.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

// options say what is packed, and as what.
type options struct {
	name     string // of the program: worker or starter
	program  string // its file
	arch     string // amd64 or arm64
	version  string // names the image, too
	revision string // the commit it was built from
	source   string // where that is found; empty is not said
	created  time.Time
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	var o options
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	flags.StringVar(&o.name, "name", "", "worker or starter")
	flags.StringVar(&o.program, "program", "", "the file of the static program")
	flags.StringVar(&o.arch, "arch", "amd64", "the architecture it was built for")
	flags.StringVar(&o.version, "version", "", "the version of the program and the tag of the image")
	flags.StringVar(&o.revision, "revision", "", "the commit that it was built from")
	flags.StringVar(&o.source, "source", "", "the address of the repository; empty is not said")
	at := flags.Int64("time", 0, "the time of everything in it, in seconds since 1970")
	archive := flags.String("out", "", "the archive to write")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *archive == "" || flags.NArg() > 0 {
		return errors.New("--out names the archive; there are no other arguments than flags")
	}
	o.created = time.Unix(*at, 0).UTC()
	size, err := write(*archive, o)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "%8.1f MB  %s (image, %.1f MB unpacked)\n", mega(size.packed), *archive, mega(size.unpacked)); err != nil {
		return fmt.Errorf("say the size: %w", err)
	}
	return nil
}

func mega(bytes int64) float64 { return float64(bytes) / 1e6 }
