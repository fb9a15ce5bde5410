package console_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"orgflow"
	"orgflow/internal/testchrome"
)

// A browser gets at most so many bytes with the tree page, style and script
// included.
const treeBytes = 300_000

// largeOrg has 3,000 departments and so many people; place is the number of
// the department above one.
func largeOrg(people int, place func(i int) int) orgflow.OrgTree {
	const units = 3000
	name := func(i int) string { return fmt.Sprint(1000 + i) }
	tree := orgflow.OrgTree{Units: []orgflow.OrgUnit{{RemoteID: name(0), Name: "示例集团"}}}
	for i := 1; i < units; i++ {
		tree.Units = append(tree.Units, orgflow.OrgUnit{RemoteID: name(i), ParentRemoteID: name(place(i)), Position: int64(i), Name: fmt.Sprintf("第%d事业部华东区域销售管理中心", i)})
	}
	for i := range people {
		id := fmt.Sprintf("E%06d", i)
		tree.Members = append(tree.Members, orgflow.OrgMember{UserID: id, JobNumber: id, Name: fmt.Sprintf("员工%d", i), Title: "高级工程师", Active: true})
		tree.Seats = append(tree.Seats, orgflow.OrgSeat{UnitRemoteID: name(i % units), UserID: id, Main: true})
	}
	return tree
}

// shapes are organisations that are wide, deep, or as they usually are.
var shapes = map[string]func(i int) int{
	"usual":       func(i int) int { return (i - 1) / 14 },
	"flat":        func(int) int { return 0 },
	"deep":        func(i int) int { return max(0, i-100) }, // 30 levels of 100
	"long branch": func(i int) int { return min(i-1, 30) },  // 2,970 below 30 levels
}

// The page of 20,000 people stays small, whatever the shape, however deep
// one looks.
func TestTheTreePageIsSmall(t *testing.T) {
	for shape, place := range shapes {
		t.Run(shape, func(t *testing.T) {
			w, people := newOrgWorld(t, false), 3000 // a page shows 50 of them
			if shape == "usual" {
				people = 20_000
			}
			ids := w.commit(0, largeOrg(people, place))
			with := len(w.page("/static/style.css")) + len(w.page("/static/org.js"))
			for _, unit := range []int{0, 1, 1500, 2999} {
				body := w.page(fmt.Sprint("/org?unit=", ids[fmt.Sprint(1000+unit)]))
				has(t, shape, body, fmt.Sprintf(`href="/org?unit=%d" aria-current="true"`, ids[fmt.Sprint(1000+unit)]))
				if all := len(body) + with; all > treeBytes {
					t.Errorf("department %d: %d bytes", unit, all)
				} else {
					t.Logf("department %d: %d bytes, of them the page %d", unit, all, len(body))
				}
			}
			if body := w.page("/org?q=员工"); len(body)+with > treeBytes {
				t.Errorf("search: %d bytes", len(body))
			}
		})
	}
}

// All departments of a long level are there, one part after the other.
func TestALongLevelComesInParts(t *testing.T) {
	w := newOrgWorld(t, false)
	ids := w.commit(0, largeOrg(10, shapes["flat"]))
	root := ids["1000"]
	seen := map[string]bool{}
	for from := 0; ; {
		body := w.page(fmt.Sprintf("/org?live&unit=%d&from=%d", root, from))
		if n := strings.Count(body, "<li>"); n > 100 {
			t.Fatalf("%d departments at once", n)
		}
		for _, item := range strings.Split(body, "<li>")[1:] {
			_, item, _ = strings.Cut(item, `href="`)
			href, _, _ := strings.Cut(item, `"`)
			seen[href] = true
		}
		if !strings.Contains(body, `class="more"`) {
			break
		}
		from += 100
	}
	if len(seen) != 2999 {
		t.Errorf("%d departments", len(seen))
	}
}

// The tree page is measured in Chromium, see docs/performance.md. That is no
// test of a number: it says what this machine shows at this moment.
func TestTheTreePagePaints(t *testing.T) {
	if os.Getenv("ORGFLOW_TEST_PAINT") == "" {
		t.Skip("ORGFLOW_TEST_PAINT=1 measures")
	}
	for shape, place := range shapes {
		t.Run(shape, func(t *testing.T) {
			w := newOrgWorld(t, false)
			w.commit(0, largeOrg(20_000, place))
			c := testchrome.New(t)
			for _, what := range []string{"first", "again", "again", "again", "again"} {
				c.Do("tree of "+shape, chromedp.Navigate(w.server.URL+"/org?lang=en"), testchrome.Shows("3,000"))
				t.Logf("%s: first contentful paint %.0f ms, first byte %.0f ms, %.0f bytes", what,
					testchrome.Ask[float64](c, `performance.getEntriesByName("first-contentful-paint")[0].startTime`),
					testchrome.Ask[float64](c, `performance.getEntriesByType("navigation")[0].responseStart`),
					testchrome.Ask[float64](c, `performance.getEntries().reduce((n, e) => n + (e.transferSize || 0), 0)`))
			}
		})
	}
}

// BenchmarkSearchOverHTTP searches 20,000 people by the page and by the API,
// through the whole program on SQLite, from the request to the last byte, and
// reports the slowest of a hundred too; see docs/performance.md.
func BenchmarkSearchOverHTTP(b *testing.B) {
	w := newOrgWorld(b, false)
	w.commit(0, largeOrg(20_000, shapes["usual"]))
	server := httptest.NewServer(w.app.Handler(""))
	b.Cleanup(server.Close)
	for _, path := range []string{"/org?q=", "/api/v1/org/members?query="} {
		for name, text := range map[string]string{"everybody": "员工", "some": "E0012", "one": "E012345", "nobody": "没有这个人"} {
			b.Run(strings.Trim(path, "/?=")+"/"+name, func(b *testing.B) {
				var took []time.Duration
				for b.Loop() {
					begun := time.Now()
					res, err := http.Get(server.URL + path + url.QueryEscape(text))
					if err != nil {
						b.Fatal(err)
					}
					_, err = io.Copy(io.Discard, res.Body)
					if _ = res.Body.Close(); err != nil || res.StatusCode != http.StatusOK {
						b.Fatal(res.Status, err)
					}
					took = append(took, time.Since(begun))
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
			})
		}
	}
}

// The main path in a browser: tree, search, person, attendance, the past.
func TestTheOrganisationInABrowser(t *testing.T) {
	w := newOrgWorld(t, false)
	tree := largeOrg(2000, shapes["usual"])
	tree.Units[2].Name = "平台组 " + evilName
	tree.Members[2].Name = evilName
	tree.Members[2].Supervisor = "E000001"
	w.commit(0, tree)
	tree.Units[3].Name = "改名之后"
	ids := w.commit(1, tree)
	if err := w.app.Store.PutBindings(context.Background(), orgTarget, "run-1", []orgflow.Binding{{Kind: orgflow.Person, SourceID: "1002", ConsumerID: "E000002"}}); err != nil {
		t.Fatal(err)
	}
	_, rows := shiftsOf("E000002", 40, 1, 1)
	w.control("state", `{"attendance": [`+strings.Join(rows, ",")+`]}`)
	c := testchrome.New(t)
	at := func(path string) chromedp.Action[chromedp.Void] { return chromedp.Navigate(w.server.URL + path) }
	for _, width := range []int64{1280, 390} {
		name := func(what string) string { return fmt.Sprint("org ", width, " ", what) }
		size := chromedp.EmulateViewport(width, 900)
		c.Do(name("1 tree"), size, at("/org?lang=en"), testchrome.Shows("2,000"))
		c.Fits(name("tree"))
		unit := ids["1001"]
		c.Do(name("2 opened by keyboard"), chromedp.Focus(chromedp.CSS(fmt.Sprintf(`.tree li:has(> a[href="/org?unit=%d"]) > details > summary`, unit))), chromedp.KeyEvent("\r"),
			testchrome.Shows("第15事业部"))
		c.Fits(name("opened"))
		c.Do(name("3 department"), testchrome.Click(fmt.Sprintf(`.tree li > a[href="/org?unit=%d"]`, ids["1002"])), testchrome.Shows("people in it"), testchrome.Shows(evilName))
		c.Fits(name("department"))
		c.Do(name("4 person"), testchrome.Click(fmt.Sprintf(`.people a[href="/org/people/%d"]`, ids["@E000002"])), testchrome.Shows("Supervisor"), testchrome.Shows("normal"), testchrome.Shows("records"))
		c.Fits(name("person"))
		c.Do(name("5 month before"), testchrome.Click(`a[data-in]`), testchrome.Shows("Month after"))
		c.Fits(name("month before"))
		c.Do(name("6 search"), at("/org?lang=en&q=E00012"), testchrome.Shows("Results for"), testchrome.Shows("员工120"))
		c.Fits(name("search"))
		c.Do(name("7 versions"), at("/org/versions"), testchrome.Shows("Compare"))
		c.Fits(name("versions"))
		c.Do(name("8 difference"), testchrome.Click(`main form button`), testchrome.Shows("改名之后"))
		c.Fits(name("difference"))
		c.Do(name("9 the past"), at("/org?version=1"), testchrome.Shows("not that of now"))
		c.Fits(name("the past"))
		c.Do(name("10 Chinese"), at("/org?lang=zh-CN"), testchrome.Shows("历史版本"))
		c.Fits(name("Chinese"))
	}
	c.Clean()
}
