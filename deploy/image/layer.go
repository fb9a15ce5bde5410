package main

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// entry is a file of an image, or, with / at the end, a directory.
type entry struct {
	path  string
	mode  int64 // permissions, tar's bits
	owner int   // user and group; 0 is root, whom no program runs as
	data  []byte
}

// sticky keeps users from removing each other's files.
const sticky = 0o1000

// base is what every program finds beside itself.
func base() ([]entry, error) {
	roots, err := rootCertificates()
	if err != nil {
		return nil, err
	}
	return []entry{
		{path: "app/", mode: 0o755, owner: user},
		{path: "etc/", mode: 0o755},
		{path: "etc/group", mode: 0o644, data: fmt.Appendf(nil, "root:x:0:\norgflow:x:%d:\n", user)},
		{path: "etc/passwd", mode: 0o644, data: fmt.Appendf(nil, "root:x:0:0:root:/:/sbin/nologin\norgflow:x:%d:%[1]d:orgflow:/app:/sbin/nologin\n", user)},
		{path: "etc/ssl/", mode: 0o755}, {path: "etc/ssl/certs/", mode: 0o755},
		{path: "etc/ssl/certs/ca-certificates.crt", mode: 0o644, data: roots},
		{path: "tmp/", mode: sticky | 0o777},
	}, nil
}

// rootCertificates are Mozilla's, as PEM. Those that are trusted with a
// condition are left out: a file cannot say the condition.
func rootCertificates() ([]byte, error) {
	var out bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue
		}
		if err := pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}); err != nil {
			return nil, fmt.Errorf("root certificates: %w", err)
		}
	}
	return out.Bytes(), nil
}

// pack writes entries as tar, all with the same time.
func pack(entries []entry, at time.Time) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range entries {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: e.path, Mode: e.mode, Uid: e.owner, Gid: e.owner, Size: int64(len(e.data)), ModTime: at}
		if e.path[len(e.path)-1] == '/' {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, fmt.Errorf("%s: %w", e.path, err)
		}
		if _, err := w.Write(e.data); err != nil {
			return nil, fmt.Errorf("%s: %w", e.path, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func open(raw []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(raw)) }

var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// static wants a program for Linux on arch that needs no other file: in a bare
// image any other one does not start, and says only "no such file".
func static(program []byte, arch string) error {
	want, ok := machines[arch]
	if !ok {
		return fmt.Errorf("--arch %q is not amd64 or arm64", arch)
	}
	file, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		return fmt.Errorf("is no program for Linux: %w", err)
	}
	if file.Machine != want {
		return fmt.Errorf("is built for %s, not for %s", file.Machine, arch)
	}
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			return errors.New("is not static: build it with CGO_ENABLED=0")
		}
	}
	return nil
}
