package hcmsim

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"orgflow/connectors/simctl"
)

// Handle implements simctl.Handler.
func (s *Sim) Handle(c *simctl.Call) simctl.Answer {
	if c.Path == "/oauth/token" && c.Method == http.MethodPost {
		return s.oauth(c)
	}
	c.Key = s.Key(c)
	set := s.settings.Load()
	if set.HTMLError {
		return loginPage()
	}
	run, ok := apis[c.Path]
	if !ok || c.Method != http.MethodPost {
		return s.status(set, http.StatusMethodNotAllowed) // wrong path or method (§ 1.6)
	}
	if set.AuthMode != "none" {
		if code := s.tokens.judge(set, credential(set, c), s.desk.Now()); code != 0 {
			return s.fail(set, code, "")
		}
	}
	var in request
	dec := json.NewDecoder(bytes.NewReader(c.Body))
	dec.UseNumber()
	if err := dec.Decode(&in); err != nil {
		return s.fail(set, 400014, "the body is not a JSON object of the documented parameters")
	}
	if in.Model == "" {
		in.Model = c.Query.Get("model")
	}
	c.Key = in.key()
	s.mu.RLock()
	data := s.data
	s.mu.RUnlock()
	return run(s, set, data, &in)
}

var apis = map[string]func(*Sim, *Settings, *dataset, *request) simctl.Answer{
	"/api/hcm.model.list":        (*Sim).modelList,
	"/api/hcm.model.get":         (*Sim).modelGet,
	"/api/hcm.model.meta":        (*Sim).modelMeta,
	"/api/hcm.company.meta.load": (*Sim).metaLoad,
}

// Key implements simctl.Handler: the model.
func (s *Sim) Key(c *simctl.Call) string {
	v, _ := c.Field("model")
	return v
}

// request holds the parameters of all calls (§ 1.1, § 1.3). What it does not
// name (biz_type, state, only_list, filter_params …) changes nothing here.
type request struct {
	Model      string         `json:"model"`
	IDUnder    any            `json:"id_"`
	ID         any            `json:"id"`
	MetaKey    string         `json:"meta_key"`
	FilterDict map[string]any `json:"filter_dict"`
	FilterStr  *string        `json:"filter_str"`
	PageIndex  *int           `json:"page_index"`
	PageSize   *int           `json:"page_size"`
	Extra      struct {
		Fields []field `json:"fields"`
		Sorts  []order `json:"sorts"`
	} `json:"extra_property"`
}

func (in *request) key() string {
	switch {
	case in.Model == "":
		return in.MetaKey
	case in.PageIndex != nil:
		return in.Model + "#" + strconv.Itoa(*in.PageIndex)
	}
	return in.Model
}

// find returns a model or the error answer for one that is unknown or forbidden.
func (s *Sim) find(set *Settings, d *dataset, name string) (*model, *simctl.Answer) {
	m := d.models[name]
	var code int
	switch {
	case slices.Contains(set.ForbiddenModels, name):
		code = 18003
	case m == nil:
		code = 80001
	default:
		return m, nil
	}
	a := s.fail(set, code, "")
	return nil, &a
}

// modelGet is hcm.model.get. What a missing row answers is not public; here,
// as with a missing layout file, an empty object.
func (s *Sim) modelGet(set *Settings, d *dataset, in *request) simctl.Answer {
	m, bad := s.find(set, d, in.Model)
	if bad != nil {
		return *bad
	}
	id := in.IDUnder
	if id == nil {
		id = in.ID
	}
	if !scalar(id) {
		return s.fail(set, 400014, "id_ is missing")
	}
	for _, r := range m.rows {
		if plain(r.vals["id"]) == plain(id) {
			return result(r.raw)
		}
	}
	return result(json.RawMessage("{}"))
}

// modelMeta is hcm.model.meta: the fields that rows of the model have.
func (s *Sim) modelMeta(set *Settings, d *dataset, in *request) simctl.Answer {
	m, bad := s.find(set, d, in.Model)
	if bad != nil {
		return *bad
	}
	types := map[string]string{}
	var keys []string
	for _, r := range m.rows {
		for k, v := range r.vals {
			if _, known := types[k]; !known {
				keys = append(keys, k)
			}
			if v != nil {
				types[k] = typeName(v)
			} else if types[k] == "" {
				types[k] = ""
			}
		}
	}
	slices.Sort(keys)
	type metaField struct {
		Key  string `json:"key"`
		Name string `json:"name"`
		Type string `json:"type"`
	}
	fields := []metaField{}
	for _, k := range keys {
		fields = append(fields, metaField{k, k, types[k]})
	}
	if in.MetaKey == "" {
		in.MetaKey = "list"
	}
	return result(map[string]any{"model": in.Model, "meta_key": in.MetaKey, "fields": fields})
}

func typeName(v any) string {
	switch v.(type) {
	case string:
		return "string"
	case json.Number:
		return "number"
	case bool:
		return "bool"
	case []any:
		return "array"
	}
	return "object"
}

// metaLoad is hcm.company.meta.load: a missing file answers an empty object;
// content may be JSON text that needs a second parse (§ 1.1).
func (s *Sim) metaLoad(set *Settings, d *dataset, in *request) simctl.Answer {
	if in.MetaKey == "" || strings.HasSuffix(in.MetaKey, ".json") {
		return s.fail(set, 400014, "meta_key is a name without .json")
	}
	content, ok := d.metas[in.MetaKey]
	switch {
	case !ok:
		return result(json.RawMessage("{}"))
	case set.MetaAsText:
		return result(string(content))
	}
	return result(content)
}

func result(v any) simctl.Answer {
	return simctl.JSON(http.StatusOK, simctl.OK, map[string]any{"result": v})
}

// messages are the platform's words (§ 1.6).
var messages = map[int]string{
	11002: "wrong password", 17003: "openapi error", 18003: "no permission", 40016: "rule or signature check failed", 400014: "field data invalid",
	51001: "system error", 51006: "login expired", 80001: "Unknown Model Name",
}

// fail builds an error answer. error_code is a log index in milliseconds,
// never a code.
func (s *Sim) fail(set *Settings, code int, description string) simctl.Answer {
	text := messages[code]
	if text == "" {
		text = "error"
	}
	outcome := strconv.Itoa(code)
	if set.ErrorShape == "success" {
		return simctl.JSON(set.ErrorStatus, outcome, map[string]any{"success": false, "message": text})
	}
	return simctl.JSON(set.ErrorStatus, outcome, map[string]any{
		"errcode": code, "errmsg": text, "description": description, "error_code": s.desk.Now().UnixMilli(),
	})
}

func (s *Sim) status(set *Settings, status int) simctl.Answer {
	a := s.fail(set, status, "wrong path or method")
	a.Status, a.Outcome = status, "http_"+strconv.Itoa(status)
	return a
}

func loginPage() simctl.Answer {
	return simctl.Answer{Outcome: "login_page", ContentType: "text/html; charset=utf-8",
		Body: []byte("<!DOCTYPE html><html><head><title>登录</title></head><body><form action=\"/login\"></form></body></html>")}
}

// Refuse implements simctl.Handler.
func (s *Sim) Refuse(_ *simctl.Call, code string) simctl.Answer {
	set := s.settings.Load()
	n, err := strconv.Atoi(code)
	if err != nil {
		return simctl.JSON(set.ErrorStatus, code, map[string]any{"success": false, "message": code})
	}
	return s.fail(set, n, "")
}
