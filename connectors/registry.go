package connectors

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"orgflow"
)

// Settings are a connection as configured, secrets resolved. They are held
// in memory only and never logged.
type Settings struct {
	CompanyID int64
	Name      string // consumer code, or the source's type
	JSON      []byte
	// Definition is the content of <name>.consumer.json, nil without one.
	Definition []byte
}

// Decode reads a source's settings strictly: a key that into does not have,
// or a value of another type, is CodeInvalidConfig. The fault names the key
// and not its value, which may be a secret.
func (s Settings) Decode(into any) error {
	dec := json.NewDecoder(bytes.NewReader(s.JSON))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if err == nil {
		return nil
	}
	wrong := err.Error()
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		wrong = kind.Field + " must be of type " + kind.Type.String()
	}
	return &orgflow.Fault{Code: orgflow.CodeInvalidConfig, Message: "the source's settings cannot be read: " + wrong, Err: err}
}

// ConsumerFactory builds a consumer's connector.
type ConsumerFactory func(Settings) (Consumer, error)

// SourceFactory builds a source's connector.
type SourceFactory func(Settings) (Source, error)

// ERPFactory builds an ERP's connector.
type ERPFactory func(Settings) (ERP, error)

// Registry knows the connectors of the build and keeps one instance per
// connection, so that all callers share its token and rate budget. Changed
// settings make a new instance.
type Registry struct {
	consumers map[string]ConsumerFactory
	sources   map[string]SourceFactory
	erps      map[string]ERPFactory
	defined   ConsumerFactory // nil: consumers without a connector are refused

	mu        sync.Mutex
	instances map[string]instance
}

type instance struct {
	settings [sha256.Size]byte
	value    any
}

// NewRegistry takes the connectors of the build by consumer code and source
// type.
func NewRegistry(consumers map[string]ConsumerFactory, sources map[string]SourceFactory) *Registry {
	return &Registry{consumers: consumers, sources: sources, instances: map[string]instance{}}
}

// Defined sets what builds a consumer that has no connector of its own but a
// definition (Settings.Definition). It returns the registry.
func (r *Registry) Defined(build ConsumerFactory) *Registry {
	r.defined = build
	return r
}

// ERPs sets the connectors of ERPs by type. It returns the registry.
func (r *Registry) ERPs(build map[string]ERPFactory) *Registry {
	r.erps = build
	return r
}

// Consumer returns the connector of a company's consumer.
func (r *Registry) Consumer(s Settings) (Consumer, error) {
	build, ok := r.consumers[s.Name]
	if !ok && s.Definition != nil {
		build, ok = r.defined, r.defined != nil
	}
	if !ok {
		return nil, orgflow.Faultf(orgflow.CodeInvalidConfig, "this build has no connector for consumer %q", s.Name)
	}
	return shared(r, "consumer", s, build)
}

// Source returns the connector of a company's source.
func (r *Registry) Source(s Settings) (Source, error) {
	build, ok := r.sources[s.Name]
	if !ok {
		return nil, orgflow.Faultf(orgflow.CodeInvalidConfig, "this build has no source of type %q", s.Name)
	}
	return shared(r, "source", s, build)
}

// ERP returns the connector of a company's ERP, whose type is the name.
func (r *Registry) ERP(s Settings) (ERP, error) {
	build, ok := r.erps[s.Name]
	if !ok {
		return nil, orgflow.Faultf(orgflow.CodeInvalidConfig, "this build has no connector for an ERP of type %q", s.Name)
	}
	return shared(r, "erp", s, build)
}

func shared[T any, F ~func(Settings) (T, error)](r *Registry, role string, s Settings, build F) (T, error) {
	key := fmt.Sprintf("%s/%d/%s", role, s.CompanyID, s.Name)
	sum := sha256.Sum256(slices.Concat(s.JSON, []byte{0}, s.Definition))
	r.mu.Lock()
	defer r.mu.Unlock()
	if old, ok := r.instances[key]; ok && old.settings == sum {
		return old.value.(T), nil
	}
	value, err := build(s)
	if err != nil {
		return value, fmt.Errorf("%s %s of company %d: %w", role, s.Name, s.CompanyID, inFile(err, s.CompanyID))
	}
	r.instances[key] = instance{settings: sum, value: value}
	return value, nil
}

// inFile says in which file the settings stand, of problems that name none.
func inFile(err error, company int64) error {
	invalid, ok := errors.AsType[*orgflow.InvalidError](err)
	if !ok {
		return err
	}
	problems := slices.Clone(invalid.Problems)
	for i, p := range problems {
		if p.File == "" {
			problems[i].File = fmt.Sprintf("companies/%d/company.json", company)
		}
	}
	return &orgflow.InvalidError{Code: invalid.Code, Problems: problems}
}
