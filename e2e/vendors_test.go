package e2e

import (
	"net"
	"net/http"
	"testing"

	dtsim "orgflow/connectors/dingtalk/sim"
	hcmsim "orgflow/connectors/hcm/sim"
	kdsim "orgflow/connectors/kingdee/sim"
	"orgflow/connectors/simctl"
)

// vendors serves the simulators from the test's own process: they outlive
// the program under test, and so does their request log.
func (w *world) vendors() {
	w.t.Helper()
	l, err := net.Listen("tcp", w.sims)
	if err != nil {
		w.t.Fatal(err)
	}
	w.site = http.NewServeMux()
	w.mount("/", simctl.NewHost(hcmsim.New(hcmsim.Options{}), dtsim.New(dtsim.Options{}), kdsim.New(kdsim.Options{})))
	server := &http.Server{Handler: w.site}
	go func() { _ = server.Serve(l) }() // ends with Close
	w.t.Cleanup(func() { _ = server.Close() })
	w.credentials()
}

// mount puts more vendors below a path, while the others serve.
func (w *world) mount(path string, vendors http.Handler) { w.site.Handle(path, vendors) }

// credentials puts what meta files refer to into the environment, where no
// standalone with simulators of its own supplies it.
func (w *world) credentials() {
	w.env["K3_PASSWORD"] = kdsim.DefaultSettings().Users[0].Password
	w.env["HCM_TOKEN"], w.env["DINGTALK_APPKEY"], w.env["DINGTALK_APPSECRET"] = hcmToken, appKey, appSecret
}

// serveAlone starts the program without simulators and waits until it is ready.
func (w *world) serveAlone() *process {
	w.t.Helper()
	p := w.standalone("--demo=false", "--simulators=false")
	w.up(p)
	return p
}

// createdOnce fails the test when a record was created twice, or when a
// create was tried for one that DingTalk had: what became of an interrupted
// call is read back, not tried out.
func createdOnce(t *testing.T, r requests) {
	t.Helper()
	created := map[string]int{}
	for _, e := range r.Log {
		if e.Path != userCreate && e.Path != deptCreate {
			continue
		}
		if e.Outcome != "ok" {
			t.Errorf("%s of %s was sent and refused with %s", e.Path, e.Key, e.Outcome)
			continue
		}
		if created[e.Path+" "+e.Key]++; created[e.Path+" "+e.Key] > 1 {
			t.Errorf("%s of %s succeeded twice", e.Path, e.Key)
		}
	}
}
