package activities

import (
	"encoding/json"
	"net/http"
	"os"
	"time"

	"orgflow/connectors"
	"orgflow/connectors/rest"
	"orgflow/connectors/rest/scimsim"
	restsim "orgflow/connectors/rest/sim"
	"orgflow/connectors/rest/simbase"
	"orgflow/connectors/simctl"
)

// declaredVendor is a consumer that a file describes, with no connector of
// its name.
func declaredVendor(code, settings string, simulator func(*rest.Definition, simbase.Options) simctl.Simulator) vendor {
	return vendor{
		code: code, defined: true,
		settings: `{"base_url": "BASE", "qps": 0, "settings": ` + settings + `}`,
		simulator: func(now func() time.Time) simctl.Simulator {
			def, err := rest.Parse(shipped(code))
			if err != nil {
				panic(err) // a shipped file, read by its own tests first
			}
			return simulator(def, simbase.Options{Now: now})
		},
		connect: connectDefined,
	}
}

// connectDefined makes a connector of a definition, as the program does.
func connectDefined(s connectors.Settings, wire http.RoundTripper, now func() time.Time) (connectors.Consumer, error) {
	def, err := rest.Parse(s.Definition)
	if err != nil {
		return nil, err
	}
	cfg, err := rest.ParseConfig(s.JSON)
	if err != nil {
		return nil, err
	}
	return rest.New(def, cfg, rest.Options{Name: s.Name, Transport: wire, Now: now})
}

// shipped is the definition of a consumer.
func shipped(code string) []byte {
	raw, err := os.ReadFile("../meta/" + code + ".consumer.json")
	if err != nil {
		panic(err) // a shipped file
	}
	return raw
}

func emmCloudVendor() vendor {
	return declaredVendor("emm_cloud", `{"client_id": "restsim-client", "client_secret": "restsim-secret"}`,
		func(d *rest.Definition, o simbase.Options) simctl.Simulator { return restsim.New("emmcloud", d, o) })
}

// scimVendor is SCIM with options of its simulator.
func scimVendor(options string) vendor {
	return declaredVendor("scim", `{"token": "scimsim-token"}`, func(_ *rest.Definition, o simbase.Options) simctl.Simulator {
		sim := scimsim.New(o)
		if err := sim.SetOptions(json.RawMessage(options)); err != nil {
			panic(err) // of a constant
		}
		return sim
	})
}

// declaredSubject is a consumer that a shipped file describes.
func declaredSubject(name string, v vendor) subject {
	return subject{
		name: name, vendor: v,
		bad: func(w *trial, userid string) {
			w.options(`{"refuse": ["` + userid + `"]}`)
			w.restore = `{"refuse": []}`
		},
		throttled: []string{`"http_status": 429`},
		envelope:  "code",
		done:      []int{http.StatusNotFound},
	}
}

func emmCloud() subject {
	s := declaredSubject("云+", emmCloudVendor())
	s.calls = []string{"/api/sys/v6.0/*"}
	s.writes = s.calls
	s.holds = func(state any) holding {
		out := holding{map[string]heldOrg{}, map[string]heldPerson{}}
		for _, o := range state.(simbase.State).Orgs {
			f := o["fields"].(map[string]any)
			out.orgs[simbase.Text(f["id"])] = heldOrg{Name: simbase.Text(f["name"]), Parent: simbase.Text(f["parentId"])}
		}
		for _, o := range state.(simbase.State).Persons {
			f := o["fields"].(map[string]any)
			p := heldPerson{Name: simbase.Text(f["name"]), Mobile: simbase.Text(f["mobile"]), Title: simbase.Text(f["title"]), Manager: simbase.Text(f["managerId"])}
			for _, id := range f["departmentIds"].([]any) {
				p.Orgs = append(p.Orgs, simbase.Text(id))
			}
			out.people[simbase.Text(f["userId"])] = p
		}
		return out
	}
	s.lacks = map[string]string{lacksLeaders: "its definition has no leaders of departments: the vendor's document is awaited"}
	return s
}

func scim() subject {
	// RFC 7643 lets groups share a name. With a provider that does not,
	// groups that exchange names are left to a person.
	s := declaredSubject("SCIM", scimVendor(`{"unique_groups": false}`))
	s.calls = []string{"/Users*", "/Groups*"}
	s.writes = s.calls
	s.holds = func(state any) holding {
		out := holding{map[string]heldOrg{}, map[string]heldPerson{}}
		in := map[string][]string{}
		for _, g := range state.(simbase.State).Orgs {
			id := simbase.Text(g["id"])
			out.orgs[id] = heldOrg{Name: simbase.Text(g["displayName"])}
			members, _ := g["members"].([]any)
			for _, m := range members {
				who := simbase.Text(m.(map[string]any)["value"])
				in[who] = append(in[who], id)
			}
		}
		for _, u := range state.(simbase.State).Persons {
			ext, _ := u["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"].(map[string]any)
			manager, _ := ext["manager"].(map[string]any)
			id := simbase.Text(u["id"])
			p := heldPerson{Name: simbase.Text(u["displayName"]), Title: simbase.Text(u["title"]), Manager: simbase.Text(manager["value"]), Orgs: in[id]}
			if phones, _ := u["phoneNumbers"].([]any); len(phones) > 0 {
				p.Mobile = simbase.Text(phones[0].(map[string]any)["value"])
			}
			out.people[id] = p
		}
		return out
	}
	s.done, s.gone = []int{http.StatusNoContent, http.StatusNotFound}, []string{"schemas"}
	s.lacks = map[string]string{
		lacksLeaders: "groups of RFC 7643 have no leaders",
		lacksParents: "groups of RFC 7643 stand beside each other",
		lacksTokens:  "its token is one of the settings; the definition's OAuth2 is tested with the connector",
	}
	return s
}
