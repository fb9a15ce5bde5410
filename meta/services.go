package meta

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"orgflow"
	"orgflow/schemas"
)

// Names of the tables of services and consumers.
const (
	servicesFile  = "services.json"
	consumersFile = "consumers.json"
)

// Service says what a service name stands for (spec § 3.1).
type Service struct {
	Name       string       `json:"name,omitempty"`
	Model      string       `json:"model"`    // of the source, "Employee"
	Kind       orgflow.Kind `json:"kind"`     // org or person
	Standard   string       `json:"standard"` // standard format, without ".json"
	Operations []orgflow.Op `json:"operations"`
	// AliasOf names the service whose fetch meta file and template are used
	// when this one has none of its own: person_sync uses person_new's.
	AliasOf     string `json:"alias_of,omitempty"`
	Description string `json:"description,omitempty"`
}

// rank is the service's place in the canonical order, by its first operation.
func (s Service) rank() int {
	phases := []orgflow.Phase{
		orgflow.PhaseOf(orgflow.Org, orgflow.Insert), orgflow.PhaseOf(orgflow.Org, orgflow.Update),
		orgflow.PhaseOf(orgflow.Person, orgflow.Insert), orgflow.PhaseOf(orgflow.Person, orgflow.Update),
		orgflow.PhaseOf(orgflow.Person, orgflow.Delete), orgflow.PhaseOf(orgflow.Org, orgflow.Delete),
	}
	best := len(phases)
	for _, op := range s.Operations {
		best = min(best, slices.Index(phases, orgflow.PhaseOf(s.Kind, op)))
	}
	return best
}

// canonical sorts services into the order of execution.
func canonical(services []Service) {
	slices.SortStableFunc(services, func(a, b Service) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.Name, b.Name))
	})
}

// consumer is a line of consumers.json.
type consumer struct {
	ServiceClass    string                    `json:"service_class"`
	RequiredTargets map[orgflow.Kind][]string `json:"required_targets,omitempty"`
}

// Services returns the services of all companies, by name. A file laid over
// the shipped one that is broken is an error of the calls that use it and of
// Lint; here it leaves no services.
func (s *Store) Services() map[string]Service {
	services, _, err := s.services(0)
	if err != nil {
		return map[string]Service{}
	}
	return services
}

func (s *Store) services(company int64) (map[string]Service, file, error) {
	f, ok, err := s.find(company, servicesFile)
	if err == nil && !ok {
		err = configError(orgflow.Problem{File: servicesFile, Message: "is missing; it names the services a job may run"})
	}
	if err != nil {
		return nil, f, err
	}
	var services map[string]Service
	if err := s.decode(schemas.Services, f, &services); err != nil {
		return nil, f, err
	}
	for name, service := range services {
		service.Name = name
		services[name] = service
	}
	return services, f, checkAliases(services, f)
}

func checkAliases(services map[string]Service, f file) error {
	var problems []orgflow.Problem
	for _, name := range slices.Sorted(maps.Keys(services)) {
		service := services[name]
		if service.AliasOf == "" {
			continue
		}
		at := "/" + name + "/alias_of"
		original, ok := services[service.AliasOf]
		switch {
		case !ok:
			problems = append(problems, schemas.At(f.path, f.raw, at, unknown("service", service.AliasOf, maps.Keys(services))))
		case original.AliasOf != "":
			problems = append(problems, schemas.At(f.path, f.raw, at, fmt.Sprintf("must name a service that is no alias itself; %q is one of %q", service.AliasOf, original.AliasOf)))
		case original.Kind != service.Kind || original.Model != service.Model:
			problems = append(problems, schemas.At(f.path, f.raw, at, fmt.Sprintf("must name a service of the same kind and model (%s, %s)", service.Kind, service.Model)))
		}
	}
	if len(problems) > 0 {
		return configError(problems...)
	}
	return nil
}

func (s *Store) consumers(company int64) (map[string]consumer, error) {
	f, ok, err := s.find(company, consumersFile)
	if err == nil && !ok {
		err = configError(orgflow.Problem{File: consumersFile, Message: "is missing; it names the service class of each consumer"})
	}
	if err != nil {
		return nil, err
	}
	var consumers map[string]consumer
	if err := s.decode(schemas.Consumers, f, &consumers); err != nil {
		return consumers, err
	}
	s.defined(company, consumers)
	return consumers, nil
}

// names returns the service itself and, for an alias, the service it stands
// for: the order in which files named after services are looked for.
func (s Service) names() []string {
	if s.AliasOf == "" {
		return []string{s.Name}
	}
	return []string{s.Name, s.AliasOf}
}
