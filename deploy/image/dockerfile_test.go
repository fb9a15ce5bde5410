package main

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// TestImagesAreThoseOfTheDockerfile: who builds with Docker and who loads an
// archive of a release get the same.
func TestImagesAreThoseOfTheDockerfile(t *testing.T) {
	raw, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	stages := stagesOf(string(raw))
	if stages["base"].from != "scratch" {
		t.Errorf("base is made from %s: an archive has nothing of it", stages["base"].from)
	}
	for program := range configs {
		stage := stages[program]
		if stage.from != "base" || !slices.Contains(stage.lines, "COPY --from=build /out/"+program+" /usr/local/bin/"+program) {
			t.Errorf("stage %s is %+v", program, stage)
		}
		var want v1.Config
		for _, line := range append(slices.Clone(stages["base"].lines), stage.lines...) {
			read(t, &want, line)
		}
		got, err := configOf(options{name: program})
		if err != nil {
			t.Fatal(err)
		}
		got.Labels = nil // names a release; an image of one's own has none
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-Dockerfile +archive):\n%s", program, diff)
		}
	}
}

// TestTheDockerfileMakesTheSharedFiles: what stands beside a program comes from
// a command of the build stage there, from base here.
func TestTheDockerfileMakesTheSharedFiles(t *testing.T) {
	raw, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	made := strings.Join(stagesOf(string(raw))["build"].lines, "\n")
	shared, err := base()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range shared {
		want := "/image/" + strings.TrimSuffix(e.path, "/")
		switch {
		case e.path == "etc/passwd", e.path == "etc/group":
			want = "printf '" + strings.ReplaceAll(string(e.data), "\n", `\n`) + "' >" + want
		case e.path == "etc/ssl/certs/ca-certificates.crt":
			want = "cp /" + e.path + " /image/etc/ssl/certs/"
		case e.mode&sticky != 0:
			want = "chmod 1777 " + want
		case e.owner != 0:
			want = "chown " + strconv.Itoa(e.owner) + ":" + strconv.Itoa(e.owner) + " " + want
		}
		if !strings.Contains(made, want) {
			t.Errorf("the Dockerfile does not %s", want)
		}
	}
}

// stage is a part of a Dockerfile, comments left out and lines joined.
type stage struct {
	from  string
	lines []string
}

func stagesOf(dockerfile string) map[string]stage {
	stages := map[string]stage{}
	name := ""
	for line := range strings.Lines(regexp.MustCompile(`(?m)^#.*\n|\\\n\s*`).ReplaceAllString(dockerfile, "")) {
		line = strings.TrimSpace(line)
		if words := strings.Fields(line); len(words) == 4 && words[0] == "FROM" {
			name = words[3]
			stages[name] = stage{from: words[1]}
		} else if line != "" {
			s := stages[name]
			s.lines = append(s.lines, line)
			stages[name] = s
		}
	}
	return stages
}

// read applies a line of a Dockerfile to a configuration.
func read(t *testing.T, c *v1.Config, line string) {
	t.Helper()
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "COPY":
	case "USER":
		c.User = rest
	case "WORKDIR":
		c.WorkingDir = rest
	case "STOPSIGNAL":
		c.StopSignal = rest
	case "ENV":
		c.Env = append(c.Env, rest)
	case "EXPOSE":
		c.ExposedPorts = map[string]struct{}{rest + "/tcp": {}}
	case "ENTRYPOINT":
		c.Entrypoint = words(t, rest)
	case "CMD":
		c.Cmd = words(t, rest)
	case "HEALTHCHECK":
		c.Healthcheck = check(t, rest)
	default:
		t.Errorf("the archives know nothing of %s", line)
	}
}

func words(t *testing.T, list string) (out []string) {
	t.Helper()
	if err := json.Unmarshal([]byte(list), &out); err != nil {
		t.Errorf("%s: %v", list, err)
	}
	return out
}

func check(t *testing.T, text string) *v1.HealthConfig {
	t.Helper()
	flags, command, _ := strings.Cut(text, "CMD ")
	h := &v1.HealthConfig{Test: append([]string{"CMD"}, words(t, command)...)}
	for _, f := range strings.Fields(flags) {
		name, value, _ := strings.Cut(f, "=")
		var err error
		switch name {
		case "--interval":
			h.Interval, err = time.ParseDuration(value)
		case "--timeout":
			h.Timeout, err = time.ParseDuration(value)
		case "--start-period":
			h.StartPeriod, err = time.ParseDuration(value)
		case "--retries":
			h.Retries, err = strconv.Atoi(value)
		default:
			t.Errorf("the archives know nothing of %s", f)
		}
		if err != nil {
			t.Error(err)
		}
	}
	return h
}
