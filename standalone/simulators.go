package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	aghsim "orgflow/connectors/aiguanhuai/sim"
	dtsim "orgflow/connectors/dingtalk/sim"
	hcmsim "orgflow/connectors/hcm/sim"
	kdsim "orgflow/connectors/kingdee/sim"
	"orgflow/connectors/rest"
	"orgflow/connectors/rest/scimsim"
	restsim "orgflow/connectors/rest/sim"
	"orgflow/connectors/rest/simbase"
	"orgflow/connectors/simctl"
	wcsim "orgflow/connectors/wecom/sim"
	"orgflow/internal/config"
	"orgflow/meta"
)

// simulators are the remote systems of the demo.
type simulators struct {
	host   *simctl.Host
	hcm    *hcmsim.Sim
	ding   *dtsim.Sim
	erp    *kdsim.Sim
	values map[string]string // references of the demo company's files
}

// simulate builds the simulators on the data directory; without them every
// reference in meta files comes from the environment.
func simulate(cfg config.Config, opts options, l *listeners) (*simulators, error) {
	s := &simulators{}
	if !opts.simulators {
		return s, nil
	}
	s.hcm, s.ding, s.erp = hcmsim.New(hcmsim.Options{}), dtsim.New(dtsim.Options{}), kdsim.New(kdsim.Options{})
	emm, err := emmCloud(cfg.MetaDir)
	if err != nil {
		return nil, err
	}
	s.host = simctl.NewHost(s.hcm, s.ding, aghsim.New(aghsim.Options{}), wcsim.New(wcsim.Options{}),
		emm, scimsim.New(simbase.Options{}), s.erp)
	if err := s.host.Persist(filepath.Join(cfg.DataDir, "simulators")); err != nil {
		return nil, fmt.Errorf("simulators: %w", err)
	}
	if opts.demo { // before anybody can change options: each change rests on the one before
		if err := s.ding.SetOptions(json.RawMessage(`{"invent_attendance": true}`)); err != nil {
			return nil, fmt.Errorf("demo attendance: %w", err)
		}
	}
	app, corp, client := dtsim.DefaultSettings().Apps[0], wcsim.DefaultSettings(), restsim.DefaultSettings()
	s.values = map[string]string{
		"SIM_URL":            "http://" + l.sim.Addr().String(),
		"BOARD_URL":          "http://" + l.http.Addr().String(),
		"HCM_TOKEN":          hcmsim.DefaultSettings().Token,
		"DINGTALK_APPKEY":    app.AppKey,
		"DINGTALK_APPSECRET": app.AppSecret,
		"WECOM_CORPID":       corp.CorpID,
		"WECOM_CORPSECRET":   corp.Secrets[0].Secret,
		"EMM_CLIENT_ID":      client.ClientID,
		"EMM_CLIENT_SECRET":  client.ClientSecret,
		"K3_PASSWORD":        kdsim.DefaultSettings().Users[0].Password,
		"SCIM_TOKEN":         scimsim.DefaultSettings().Token,
	}
	return s, nil
}

// emmCloud is a simulator of what the definition of 云+ says, a corrected one
// in the meta directory before the shipped one.
func emmCloud(metaDir string) (*restsim.Sim, error) {
	files, err := meta.Open(metaDir, nil, meta.WithDefinitions(rest.Lint))
	if err != nil {
		return nil, err
	}
	raw, err := files.Definition(0, "emm_cloud")
	if err != nil {
		return nil, fmt.Errorf("simulator of emm_cloud: %w", err)
	}
	if raw == nil {
		return nil, errors.New("simulator of emm_cloud: emm_cloud.consumer.json is missing")
	}
	def, err := rest.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("simulator of emm_cloud: %w", err)
	}
	return restsim.New("emmcloud", def, simbase.Options{}), nil
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
