package dingtalk

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"orgflow/internal/transport"
)

// BenchmarkApply is the client's own cost of one person insert, without a
// network.
func BenchmarkApply(b *testing.B) {
	wire := transport.Func(func(req *http.Request) (*http.Response, error) {
		answer := `{"errcode":0,"errmsg":"ok","result":{"userid":"E1","unionId":"n"},"request_id":"15rajd1b2c3d"}`
		if req.URL.Path == pathToken {
			answer = `{"accessToken":"T1","expireIn":7200}`
		}
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(answer)), ContentLength: int64(len(answer))}, nil
	})
	c, err := New(Config{BaseURL: "http://x", APIBaseURL: "http://x", AppKey: "k", AppSecret: "s", QPS: new(float64(0))}, Options{Transport: wire})
	if err != nil {
		b.Fatal(err)
	}
	e := personInsert()
	e.Ext = map[string]any{"爱好": "旅游", "工号": "7"}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.Apply(b.Context(), e); err != nil {
				b.Fatal(err)
			}
		}
	})
}
