package deploy_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"orgflow/internal/config"
)

// compose is what the tests read of docker-compose.yml.
type compose struct {
	Services map[string]struct {
		Image       string
		Build       struct{ Context, Target string }
		Environment map[string]string
		Command     []string
		Volumes     []string
		DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
		Healthcheck struct {
			Test    []string
			Disable bool
		}
	}
}

func composed(t *testing.T) (c compose, text string) {
	t.Helper()
	raw, err := os.ReadFile("../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(raw, &c); err != nil {
		t.Fatal(err)
	}
	return c, string(raw)
}

// What the compose file wants to be told is what env.example asks for, and
// nothing else.
func TestTheExampleIsWhatTheComposeFileNeeds(t *testing.T) {
	_, text := composed(t)
	needed := map[string]bool{}
	for _, m := range regexp.MustCompile(`\$\{([A-Z_]+)(:[?-])`).FindAllStringSubmatch(text, -1) {
		needed[m[1]] = needed[m[1]] || m[2] == ":?"
	}
	for _, s := range example(t) {
		required, used := needed[s.name]
		if !s.optional && !required {
			t.Errorf("env.example asks for %s, which the compose file does not need", s.name)
		}
		if s.optional && required {
			t.Errorf("the compose file needs %s, which env.example leaves out", s.name)
		}
		if used {
			delete(needed, s.name)
		}
	}
	for name := range needed {
		t.Errorf("the compose file uses %s, which env.example does not have", name)
	}
}

// Our services get settings that exist, and are asked how they are as their
// images say: they hold no other program that could ask.
func TestOurServicesInTheComposeFile(t *testing.T) {
	c, _ := composed(t)
	dockerfile, err := os.ReadFile("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	ours := 0
	for name, s := range c.Services {
		for after, how := range s.DependsOn {
			if _, ok := c.Services[after]; !ok || how.Condition == "" {
				t.Errorf("%s depends on %s (%s)", name, after, how.Condition)
			}
		}
		for _, v := range s.Volumes {
			if source, _, _ := strings.Cut(v, ":"); strings.HasPrefix(source, ".") {
				if _, err := os.Stat("../" + source); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		if s.Build.Target == "" {
			continue
		}
		ours++
		for variable := range s.Environment {
			if variable != "TZ" && !slices.Contains(config.Variables(), variable) {
				t.Errorf("%s: %s is no setting", name, variable)
			}
		}
		if !strings.HasPrefix(s.Image, "orgflow-"+s.Build.Target+":${ORGFLOW_TAG") {
			t.Errorf("%s: %s is not the name under which a release's image is loaded", name, s.Image)
		}
		if s.Healthcheck.Disable {
			continue
		}
		if len(s.Healthcheck.Test) < 2 || !strings.Contains(string(dockerfile), fmt.Sprintf(`CMD ["%s"]`, strings.Join(s.Healthcheck.Test[1:], `", "`))) {
			t.Errorf("%s is asked by %q, other than its image is", name, s.Healthcheck.Test)
		}
	}
	if ours != 3 {
		t.Errorf("%d services are ours, want migrate, worker and starter", ours)
	}
}
