package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// user runs the programs; nothing in an image belongs to it but its directory.
const user = 10001

// configs are what the stages of the Dockerfile say, by their names.
var configs = map[string]v1.Config{
	"worker": {
		Env:          []string{"ORGFLOW_METRICS_ADDR=0.0.0.0:9464"},
		ExposedPorts: map[string]struct{}{"9464/tcp": {}},
		Entrypoint:   []string{"/usr/local/bin/worker"},
		Healthcheck:  &v1.HealthConfig{Test: []string{"CMD", "/usr/local/bin/worker", "--health"}},
	},
	"starter": {
		Env:          []string{"ORGFLOW_HTTP_ADDR=0.0.0.0:8080"},
		ExposedPorts: map[string]struct{}{"8080/tcp": {}},
		Entrypoint:   []string{"/usr/local/bin/starter"},
		Cmd:          []string{"serve"},
		Healthcheck:  &v1.HealthConfig{Test: []string{"CMD", "/usr/local/bin/starter", "health"}},
	},
}

// configOf completes the configuration of a program with what all share.
func configOf(o options) (v1.Config, error) {
	c, ok := configs[o.name]
	if !ok {
		return c, fmt.Errorf("--name %q is not one of %v", o.name, slices.Sorted(maps.Keys(configs)))
	}
	c.User, c.WorkingDir, c.StopSignal = fmt.Sprintf("%d:%d", user, user), "/app", "SIGTERM"
	c.Env = append([]string{"PATH=/usr/local/bin", "ORGFLOW_LOG_FORMAT=json"}, c.Env...)
	check := *c.Healthcheck
	check.Interval, check.Timeout, check.StartPeriod, check.Retries = 10*time.Second, 5*time.Second, 30*time.Second, 6
	c.Healthcheck = &check
	c.Labels = map[string]string{
		"org.opencontainers.image.title":    "orgflow " + o.name,
		"org.opencontainers.image.version":  o.version,
		"org.opencontainers.image.revision": o.revision,
	}
	if o.source != "" {
		c.Labels["org.opencontainers.image.source"] = o.source
	}
	return c, nil
}

// build makes the image: a layer that all programs share, and the program.
func build(o options) (v1.Image, error) {
	config, err := configOf(o)
	if err != nil {
		return nil, err
	}
	shared, err := base()
	if err != nil {
		return nil, err
	}
	program, err := os.ReadFile(o.program)
	if err != nil {
		return nil, fmt.Errorf("read the program: %w", err)
	}
	if err := static(program, o.arch); err != nil {
		return nil, fmt.Errorf("%s: %w", o.program, err)
	}
	img := mutate.MediaType(empty.Image, types.DockerManifestSchema2)
	for _, content := range []struct {
		what    string
		entries []entry
	}{
		{"users, root certificates, directories", shared},
		{o.name + " " + o.version, []entry{
			{path: "usr/", mode: 0o755}, {path: "usr/local/", mode: 0o755}, {path: "usr/local/bin/", mode: 0o755},
			{path: "usr/local/bin/" + o.name, mode: 0o755, data: program},
		}},
	} {
		layer, err := layerOf(content.entries, o.created)
		if err != nil {
			return nil, fmt.Errorf("layer of %s: %w", content.what, err)
		}
		img, err = mutate.Append(img, mutate.Addendum{Layer: layer, History: v1.History{Created: v1.Time{Time: o.created}, CreatedBy: content.what}})
		if err != nil {
			return nil, fmt.Errorf("layer of %s: %w", content.what, err)
		}
	}
	file, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Created, file.Config = "linux", o.arch, v1.Time{Time: o.created}, config
	return mutate.ConfigFile(img, file)
}

// layerOf packs entries, all with the same time.
func layerOf(entries []entry, at time.Time) (v1.Layer, error) {
	raw, err := pack(entries, at)
	if err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return open(raw), nil }, tarball.WithCompressionLevel(gzip.BestCompression))
}

// sizes of an image, in bytes: of its archive, and of what is in its layers.
type sizes struct{ packed, unpacked int64 }

// write makes the archive of an image; a broken one is not left behind.
func write(path string, o options) (s sizes, err error) {
	tag, err := name.NewTag("orgflow-" + o.name + ":" + o.version)
	if err != nil {
		return s, fmt.Errorf("--version: %w", err)
	}
	img, err := build(o)
	if err != nil {
		return s, err
	}
	if err := tarball.WriteToFile(path, tag, img); err != nil {
		_ = os.Remove(path) // may not even exist
		return s, fmt.Errorf("write %s: %w", path, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return s, err
	}
	s.packed = info.Size()
	s.unpacked, err = unpacked(img)
	return s, err
}

func unpacked(img v1.Image) (total int64, err error) {
	layers, err := img.Layers()
	if err != nil {
		return 0, err
	}
	for _, l := range layers {
		content, err := l.Uncompressed()
		if err != nil {
			return 0, err
		}
		n, err := io.Copy(io.Discard, content)
		_ = content.Close() // was only read
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}
