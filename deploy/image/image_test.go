package main

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// program writes the file of a program that says no more than what it is
// built for, and whether it asks for a loader.
func program(t *testing.T, machine elf.Machine, dynamic bool) string {
	t.Helper()
	h := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: 1, Ehsize: 64, Phentsize: 56, Shentsize: 64, Phoff: 64}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	if dynamic {
		h.Phnum = 1
	}
	var out bytes.Buffer
	for _, part := range []any{h, elf.Prog64{Type: uint32(elf.PT_INTERP)}} {
		if err := binary.Write(&out, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func worker(t *testing.T) options {
	return options{
		name: "worker", program: program(t, elf.EM_X86_64, false), arch: "amd64", version: "v0.1.0-3-g1a2b3c4",
		revision: "1a2b3c4", created: time.Unix(1_790_000_000, 0).UTC(),
	}
}

func archive(t *testing.T, o options) (path string, s sizes) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "image.tar")
	s, err := write(path, o)
	if err != nil {
		t.Fatal(err)
	}
	return path, s
}

// Whoever builds a release again can compare its checksums.
func TestTheSameInputGivesTheSameBytes(t *testing.T) {
	o := worker(t)
	first, _ := archive(t, o)
	o.program = program(t, elf.EM_X86_64, false) // elsewhere, and newer
	second, _ := archive(t, o)
	a, errA := os.ReadFile(first)
	b, errB := os.ReadFile(second)
	if err := errors.Join(errA, errB); err != nil || len(a) == 0 || !bytes.Equal(a, b) {
		t.Errorf("two archives of %d and %d bytes differ, %v", len(a), len(b), err)
	}
	o.version = "v0.1.1"
	third, _ := archive(t, o)
	if c, err := os.ReadFile(third); err != nil || bytes.Equal(a, c) {
		t.Errorf("another version is in no byte of the archive, %v", err)
	}
}

// The archive is what engines load: an image under its name, with layers that
// are what its configuration says.
func TestTheArchiveIsAnImage(t *testing.T) {
	o := worker(t)
	o.source = "https://example.com/orgflow"
	path, size := archive(t, o)
	manifest, err := tarball.LoadManifest(func() (io.ReadCloser, error) { return os.Open(path) })
	if err != nil || len(manifest) != 1 || strings.Join(manifest[0].RepoTags, " ") != "orgflow-worker:v0.1.0-3-g1a2b3c4" {
		t.Fatalf("manifest %+v, %v", manifest, err)
	}
	img, err := tarball.ImageFromPath(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(img); err != nil {
		t.Error(err)
	}
	file, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if file.OS != "linux" || file.Architecture != "amd64" || !file.Created.Equal(o.created) {
		t.Errorf("for %s/%s of %s", file.OS, file.Architecture, file.Created)
	}
	for label, want := range map[string]string{"title": "orgflow worker", "version": o.version, "revision": o.revision, "source": o.source} {
		if got := file.Config.Labels["org.opencontainers.image."+label]; got != want {
			t.Errorf("label %s is %q, want %q", label, got, want)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Size() != size.packed || size.unpacked <= size.packed {
		t.Errorf("sizes %+v, %v", size, err)
	}
}

// files are all entries of an image's layers.
func files(t *testing.T, path string) map[string]entry {
	t.Helper()
	img, err := tarball.ImageFromPath(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]entry{}
	for _, l := range layers {
		for name, e := range entries(t, l) {
			found[name] = e
		}
	}
	return found
}

func entries(t *testing.T, l v1.Layer) map[string]entry {
	t.Helper()
	content, err := l.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = content.Close() }()
	found := map[string]entry{}
	for r := tar.NewReader(content); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		found[h.Name] = entry{path: h.Name, mode: h.Mode, owner: h.Uid, data: data}
	}
}

func TestWhatAContainerFinds(t *testing.T) {
	o := worker(t)
	path, _ := archive(t, o)
	found := files(t, path)
	want, err := os.ReadFile(o.program)
	if err != nil {
		t.Fatal(err)
	}
	if p := found["usr/local/bin/worker"]; !bytes.Equal(p.data, want) || p.mode != 0o755 || p.owner != 0 {
		t.Errorf("the program: %d bytes, mode %o, owner %d", len(p.data), p.mode, p.owner)
	}
	if d := found["tmp/"]; d.mode != 0o1777 {
		t.Errorf("temporary files: mode %o", d.mode)
	}
	for name, e := range found {
		if (e.owner != 0) != (name == "app/") {
			t.Errorf("%s belongs to %d", name, e.owner)
		}
		if e.mode&0o002 != 0 && name != "tmp/" {
			t.Errorf("%s can be written by everybody", name)
		}
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(found["etc/ssl/certs/ca-certificates.crt"].data) {
		t.Fatal("no root certificates")
	}
	roots := found["etc/ssl/certs/ca-certificates.crt"].data
	if n := bytes.Count(roots, []byte("BEGIN CERTIFICATE")); n < 100 {
		t.Errorf("only %d root certificates", n)
	}
	if !strings.Contains(string(found["etc/passwd"].data), "orgflow:x:10001:10001:") {
		t.Errorf("users: %s", found["etc/passwd"].data)
	}
}

func TestWhatCannotBePacked(t *testing.T) {
	for want, change := range map[string]func(*options){
		"is not one of [starter worker]":      func(o *options) { o.name = "standalone" },
		"is built for EM_AARCH64, not":        func(o *options) { o.program = program(t, elf.EM_AARCH64, false) },
		"is not static":                       func(o *options) { o.program = program(t, elf.EM_X86_64, true) },
		"is no program for Linux":             func(o *options) { o.program = "image_test.go" },
		"no such file":                        func(o *options) { o.program = "no-such-program" },
		"--arch \"riscv64\" is not":           func(o *options) { o.arch = "riscv64" },
		"--version: tag can only contain the": func(o *options) { o.version = "v0.1.0+dirty" },
		"--version: ":                         func(o *options) { o.version = "" },
	} {
		o := worker(t)
		change(&o)
		path := filepath.Join(t.TempDir(), "image.tar")
		if _, err := write(path, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: an archive is left behind", want)
		}
	}
}

// What a release says on the screen is what operations.md lists.
func TestTheSizesAreSaid(t *testing.T) {
	var said strings.Builder
	out := filepath.Join(t.TempDir(), "image.tar")
	err := run([]string{"--name", "starter", "--program", program(t, elf.EM_AARCH64, false), "--arch", "arm64", "--version", "v1", "--time", "7", "--out", out}, &said)
	if err != nil || !strings.HasSuffix(said.String(), " MB  "+out+" (image, 0.2 MB unpacked)\n") {
		t.Errorf("%q, %v", &said, err)
	}
	if err := run([]string{"--name", "starter"}, &said); err == nil || !strings.Contains(err.Error(), "--out") {
		t.Error(err)
	}
}
