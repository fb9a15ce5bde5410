package hcm

import (
	"time"

	"orgflow"
	"orgflow/connectors"
	"orgflow/internal/egress"
)

// settings is "source" of company.json for type hcm.
type settings struct {
	Type           string       `json:"type"`
	BaseURL        string       `json:"base_url"`
	Auth           authSettings `json:"auth"`
	PageSize       int          `json:"page_size"`
	MaxPages       int          `json:"max_pages"`
	TimeoutSeconds float64      `json:"timeout_seconds"`
	QPS            float64      `json:"qps"`
	SendState      string       `json:"send_state"`
	SendMetaName   bool         `json:"send_meta_name"`
}

type authSettings struct {
	Mode              Mode   `json:"mode"`
	Token             string `json:"token"`
	Header            string `json:"header"`
	TokenURL          string `json:"token_url"`
	ClientID          string `json:"client_id"`
	ClientSecret      string `json:"client_secret"`
	GrantType         string `json:"grant_type"`
	Scope             string `json:"scope"`
	ClientIDField     string `json:"client_id_field"`
	ClientSecretField string `json:"client_secret_field"`
	JSONBody          bool   `json:"json_body"`
	TokenField        string `json:"token_field"`
	ExpiresField      string `json:"expires_field"`
	TokenSeconds      int    `json:"token_seconds"`
}

// FromSettings builds a source from company.json, secrets resolved, which
// calls whom allowed allows.
func FromSettings(s connectors.Settings, allowed egress.List, opts ...Option) (*Source, error) {
	var doc settings
	if err := s.Decode(&doc); err != nil {
		return nil, err
	}
	if doc.SendMetaName {
		return nil, &orgflow.Fault{Code: orgflow.CodeInvalidConfig, Field: "/source/send_meta_name",
			Message: "the name of the meta file is not sent by this build", Advice: "give extra_property.state in the job, or set send_state"}
	}
	return New(Config{
		BaseURL: doc.BaseURL, Auth: Auth(doc.Auth), PageSize: doc.PageSize, MaxPages: doc.MaxPages,
		Timeout: time.Duration(doc.TimeoutSeconds * float64(time.Second)), QPS: doc.QPS, SendState: doc.SendState, Allowed: allowed,
	}, opts...)
}
