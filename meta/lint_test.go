package meta_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"orgflow/meta"
)

func TestShippedFilesAreInOrder(t *testing.T) {
	s, err := meta.Open("", lookup(environment))
	if err != nil {
		t.Fatal(err)
	}
	for _, company := range []int64{0, 129} {
		if problems := s.Lint(company); len(problems) > 0 {
			t.Errorf("company %d: %v", company, problems)
		}
	}
}

func TestLint(t *testing.T) {
	const company = "companies/129/"
	cases := []struct{ name, path, content, want string }{
		{"name nobody looks for", company + "Employee.list.json.json", `{"x": 1}`,
			"is not used: its name is none of <Model>.meta.list[.<name>].json, <name>_standard.json, <service class>.<service>.json, <consumer>.consumer.json, services.json, consumers.json, company.json"},
		{"model of no service", company + "Employe.meta.list.json", metaFile("x"), `is not used: no service has the model "Employe"; did you mean "Employee"?`},
		{"class of no consumer", company + "HcmDingSyncServce.person_new.json", `{"fields": [{"key": "name"}]}`,
			`is not used: unknown service class "HcmDingSyncServce"; known: "BaseSyncEmmCloudService", "HcmAiGuanHuaiSyncService", "HcmDingSyncService", "HcmWorkSyncService", "ScimService"; did you mean "HcmDingSyncService"?`},
		{"template of no service", company + "HcmDingSyncService.persn_new.json", `{"fields": [{"key": "name"}]}`,
			`is not used: unknown service "persn_new"; known: "org_del", "org_edit", "org_new", "org_reverse", "org_sync", "person_del", "person_edit", "person_new", "person_sync"; did you mean "person_new"?`},
		{"variant of no service", company + "Employee.meta.list.ding_talk_person.json", metaFile("x"),
			`is used only as state "ding_talk_person": unknown service "person"; known: "org_del", "org_edit", "org_new", "org_reverse", "org_sync", "person_del", "person_edit", "person_new", "person_sync"`},
		{"other consumer than its name", company + "Employee.meta.list.ding_talk_person_new.json", `{"consumer": "we_com", "fields": [{"key": "id", "field": ["id"]}, {"key": "name", "field": ["name"]}]}`,
			`is "we_com", but the file's name says "ding_talk"`},
		{"broken file that no job uses", company + "Employee.meta.list.xyz.json", `{"fields": 1}`, `must be a list`},
		{"standard that does not exist", company + "Employee.meta.list.xyz.json", `{"standard": "nope", "fields": [{"key": "id", "field": ["id"]}]}`,
			`names the standard format "nope", which does not exist`},
		{"broken standard", company + "base_sync_data.person_standard.json", `{"fields": [{"key": "id", "type": "int", "item_type": "int"}, {"key": "number", "type": "string"}]}`,
			`item_type goes with type array only`},
		{"reference that is not set", company + "company.json", `{"company_id": 129, "source": {"type": "hcm", "base_url": "u", "auth": {"token": "${NOPE}"}}}`,
			`refers to ${NOPE}, which is not set in the environment`},
		{"secret in clear text", company + "company.json", `{"company_id": 129, "source": {"type": "hcm", "base_url": "u", "auth": {"token": "hush"}}}`,
			`holds a secret in clear text; write ${NAME} and set NAME in the environment, or ${file:/run/secrets/name}`},
		{"password in a URL", company + "company.json", `{"company_id": 129, "source": {"type": "sql", "url": "postgres://hr:hush@db/hr", "tables": {"Employee": "e"}}}`,
			`holds a password in clear text; write postgres://user:${NAME}@host/database and set NAME in the environment`},
		{"consumer nobody knows", company + "company.json", `{"company_id": 129, "consumers": {"ding_tlak": {"base_url": "u"}}}`,
			`unknown consumer "ding_tlak"; known: "ai_guan_huai", "ding_talk", "emm_cloud", "scim", "we_com"; did you mean "ding_talk"?`},
		{"form of another name", company + "forms/SAL_SaleOder.json", `{"form_id": "SAL_SaleOrder", "date_field": "FModifyDate"}`,
			`must be "SAL_SaleOder", as the file's name says`},
		{"forms of one table", company + "forms/sal_saleorder.json", `{"form_id": "sal_saleorder", "date_field": "FModifyDate"}`,
			"has the table of companies/129/forms/SAL_SaleOrder.json: upper and lower case are alike in names of tables"},
		{"form with one column twice", company + "forms/SAL_SaleOrder.json", `{"form_id": "SAL_SaleOrder", "date_field": "FModifyDate", "fields": ["FCustId.FName", "FCustId_FName"]}`,
			`the columns of fields FCustId.FName and FCustId_FName would bear one name, FCustId_FName (upper and lower case are alike, a dot becomes "_")`},
		{"channel without a connection", company + "company.json", `{"company_id": 129, "notify": {"channels": ["ding_talk"]}}`,
			`no message can be sent over ding_talk: consumers has no such entry`},
		{"channel without an agent", company + "company.json", `{"company_id": 129, "notify": {"channels": ["we_com"]}, "consumers": {"we_com": {"base_url": "u", "corpid": "c", "corpsecret": "${HCM_TOKEN}", "agent_id": 1}}}`,
			`no message can be sent over we_com: consumers.we_com has no agent_secret`},
		{"webhook that is not described", company + "company.json", `{"company_id": 129, "notify": {"channels": ["webhook"]}}`,
			`nothing can be posted over webhook: notify.webhook is not described`},
		{"webhook that is not used", company + "company.json", `{"company_id": 129, "notify": {"channels": ["ding_talk"], "webhook": {"url": "https://ops.invalid"}}}`,
			`is not used: add webhook to notify.channels`},
		{"webhook with its secret in clear text", company + "company.json", `{"company_id": 129, "notify": {"webhook": {"url": "https://ops.invalid", "secret": "hush"}}}`,
			`holds a secret in clear text; write ${NAME} and set NAME in the environment, or ${file:/run/secrets/name}`},
		{"notices to nobody", company + "company.json", `{"company_id": 129, "notify": {"digest": "2h"}}`,
			`nobody is told how runs end: name operators, or a webhook`},
		{"window that is none", company + "company.json", `{"company_id": 129, "notify": {"operators": ["E1"], "digest": "PT1H"}}`,
			`must be minutes or hours such as 30m, 1h or 24h`},
		{"alias of nothing", "services.json", `{"a": {"model": "M", "kind": "org", "standard": "base_sync_data.org_standard", "operations": ["insert"], "alias_of": "b"}}`,
			`unknown service "b"; known: "a"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			problems := openWith(t, map[string]string{c.path: c.content}).Lint(129)
			var got []string
			for _, p := range problems {
				got = append(got, p.Message)
				if p.Message == c.want && p.File == c.path {
					return
				}
			}
			t.Errorf("not found in %s", cmp.Diff([]string{c.want}, got))
		})
	}
}
