package main

import (
	"fmt"
	"os"
	"path/filepath"

	aghsim "orgflow/connectors/aiguanhuai/sim"
	dtsim "orgflow/connectors/dingtalk/sim"
	hcmsim "orgflow/connectors/hcm/sim"
	"orgflow/connectors/simctl"
	wcsim "orgflow/connectors/wecom/sim"
	"orgflow/internal/config"
)

// simulators are the remote systems of the demo.
type simulators struct {
	host   *simctl.Host
	hcm    *hcmsim.Sim
	values map[string]string // references of the demo company's files
}

// simulate builds the simulators on the data directory; without them every
// reference in meta files comes from the environment.
func simulate(cfg config.Config, opts options, l *listeners) (*simulators, error) {
	s := &simulators{}
	if !opts.simulators {
		return s, nil
	}
	s.hcm = hcmsim.New(hcmsim.Options{})
	s.host = simctl.NewHost(s.hcm, dtsim.New(dtsim.Options{}), wcsim.New(wcsim.Options{}), aghsim.New(aghsim.Options{}))
	if err := s.host.Persist(filepath.Join(cfg.DataDir, "simulators")); err != nil {
		return nil, fmt.Errorf("simulators: %w", err)
	}
	app, corp := dtsim.DefaultSettings().Apps[0], wcsim.DefaultSettings()
	s.values = map[string]string{
		"SIM_URL":            "http://" + l.sim.Addr().String(),
		"HCM_TOKEN":          hcmsim.DefaultSettings().Token,
		"DINGTALK_APPKEY":    app.AppKey,
		"DINGTALK_APPSECRET": app.AppSecret,
		"WECOM_CORPID":       corp.CorpID,
		"WECOM_CORPSECRET":   corp.Secrets[0].Secret,
	}
	return s, nil
}

// getenv answers references of meta files: the environment's value, else the
// simulators'.
func (s *simulators) getenv(name string) (string, bool) {
	if v, ok := os.LookupEnv(name); ok {
		return v, true
	}
	v, ok := s.values[name]
	return v, ok
}

func (s *simulators) close() {
	if s.host != nil {
		_ = s.host.Close() // everything answered is on disk already
	}
}
