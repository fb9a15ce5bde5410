package meta_test

import (
	"fmt"
	"os"

	"orgflow/meta"
)

func ExampleStore_DecodeJob() {
	store, err := meta.Open("", os.LookupEnv)
	if err != nil {
		fmt.Println(err)
		return
	}
	job, err := store.DecodeJob([]byte(`{"services": ["org_new", "person_new"], "consumer": "ding_talk", "company_id": 129}`))
	fmt.Println(job.Params.Mode, job.Params.Approval, err)

	_, err = store.DecodeJob([]byte(`{"services": ["org_new"], "consumer": "ding_talk", "company_id": 129, "params": {"modee": "full"}}`))
	fmt.Println(err != nil)

	_, err = store.DecodeJob([]byte(`{"services": ["org_new"], "consumer": "dingtalk", "company_id": 129}`))
	fmt.Println(err)
	// Output:
	// incremental on_threshold <nil>
	// true
	// invalid_job: /consumer: unknown consumer "dingtalk"; known: "ai_guan_huai", "ding_talk", "emm_cloud", "scim", "we_com"; did you mean "ding_talk"?
}

func ExampleStore_Preview() {
	store, err := meta.Open("", os.LookupEnv)
	if err != nil {
		fmt.Println(err)
		return
	}
	preview, err := store.Preview(meta.PreviewRequest{
		Service: "org_new", Consumer: "ding_talk",
		Row: []byte(`{"id": 11, "number": "D11", "name": "研发部", "parent_id": 1, "sort": 10, "manager_id": 1001}`),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(preview.Text())
	// Output:
	// org 11 → ding_talk, service org_new
	//
	// files looked at
	//   absent    Organization.meta.list.ding_talk_org_new.json
	//   used      Organization.meta.list.json
	//   used      base_sync_data.org_standard.json
	//   used      HcmDingSyncService.org_new.json
	//
	// source         value   standard key  value   target                    value
	// id             11      id            11      –
	// name           研发部  name          研发部  name                      研发部
	// number         D11     number        D11     –
	// parent_id      1       parent_id     1       parent_id                 @org:1
	// sort           10      order         10      order                     10
	// manager_id     1001    manager_id    1001    dept_manager_userid_list  @person:1001
	// org_full_name  –       path          –       –
	// → would be sent
}
