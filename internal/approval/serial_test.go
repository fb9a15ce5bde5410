package approval_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"orgflow/internal/approval"
)

func serial(pattern string, period approval.Period) *approval.Definition {
	d := &approval.Definition{FlowCode: "ztbxx01", Serial: approval.Serial{Pattern: pattern, Period: period}}
	d.SetDefaults()
	return d
}

func instant(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		pattern string
		period  approval.Period
		at      string
		counter int64
		number  string
		key     string
	}{
		{"", "", "2021-08-05T00:00:00+08:00", 1, "ztbxx01_202108_0001", "202108"},
		{"", "", "2021-08-05T00:00:00+08:00", 9999, "ztbxx01_202108_9999", "202108"},
		{"", "", "2021-08-05T00:00:00+08:00", 10000, "ztbxx01_202108_10000", "202108"},
		// The month is Shanghai's, wherever the clock stands.
		{"", "", "2021-07-31T15:59:59Z", 7, "ztbxx01_202107_0007", "202107"},
		{"", "", "2021-07-31T16:00:00Z", 7, "ztbxx01_202108_0007", "202108"},
		{"", "", "2021-12-31T16:00:00Z", 1, "ztbxx01_202201_0001", "202201"},
		{"{yyyyMMdd}-{flowCode}-{seq:3}", approval.PeriodDay, "2021-07-31T16:00:00Z", 12, "20210801-ztbxx01-012", "20210801"},
		{"{flowCode}.{seq:6}.{yyyy}", approval.PeriodYear, "2021-07-31T16:00:00Z", 12, "ztbxx01.000012.2021", "2021"},
		{"{flowCode}{seq:1}", approval.PeriodNone, "2021-07-31T16:00:00Z", 12, "ztbxx0112", "all"},
		{"{flowCode}_{yyyyMMdd}_{seq:4}", approval.PeriodMonth, "2021-08-05T00:00:00+08:00", 1, "ztbxx01_20210805_0001", "202108"},
	} {
		n, err := approval.NewNumbering(serial(c.pattern, c.period))
		if err != nil {
			t.Fatal(err)
		}
		at := instant(t, c.at)
		if got := n.Number(at, c.counter); got != c.number {
			t.Errorf("%s: number %s, want %s", c.pattern, got, c.number)
		}
		if got := n.PeriodKey(at); got != c.key {
			t.Errorf("%s: period %s, want %s", c.pattern, got, c.key)
		}
		if key, counter, ok := n.Parse(c.number); !ok || key != c.key || counter != c.counter {
			t.Errorf("%s read as %s, %d, %v", c.number, key, counter, ok)
		}
	}
}

func TestNumbersThatAreNotOfTheSerial(t *testing.T) {
	n, err := approval.NewNumbering(serial("", ""))
	if err != nil {
		t.Fatal(err)
	}
	for _, number := range []string{
		"", "ztbxx_abc001", "ztbxx01_202108_", "ztbxx01_202108_1", "ztbxx01_202108_00001", "ztbxx01_202108_0000", "ztbxx01_202113_0001",
		"ztbxx01_2021_0001", "ztbxx02_202108_0001", "ztbxx01_202108_00x1", "ztbxx01_202108_+001", "ztbxx01_202108_0001 ", "ztbxx01_202108_99999999999999999999",
	} {
		if key, counter, ok := n.Parse(number); ok {
			t.Errorf("%q read as %s, %d", number, key, counter)
		}
	}
}

func TestSerialsThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		pattern string
		period  approval.Period
		want    string
	}{
		{"{flowCode}_{yyyyMM}", "", "has no counter"},
		{"{yyyyMM}_{seq:4}", "", "has no {flowCode}"},
		{"{flowCode}_{seq:4}", "", "starts again every month"},
		{"{flowCode}_{yyyyMM}_{seq:4}", approval.PeriodDay, "starts again every day"},
		{"{flowCode}_{yyyyMM}_{seq}", "", "1 to 12 digits"},
		{"{flowCode}_{yyyyMM}_{seq:13}", "", "1 to 12 digits"},
		{"{flowCode}_{yyyyMM}_{seq:4}{seq:4}", "", "more than one {seq}"},
		{"{flowCode}{flowCode}_{yyyyMM}_{seq:4}", "", "more than one {flowCode}"},
		{"{flowCode}_{yyyy}{yyyyMM}_{seq:4}", "", "more than one {yyyyMM}"},
		{"{flowCode}_{yyyymm}_{seq:4}", "", "unknown placeholder {yyyymm}"},
		{"{flowCode:3}_{yyyyMM}_{seq:4}", "", "only seq has a width"},
		{"{flowCode} {yyyyMM}_{seq:4}", "", "signs that numbers must not have"},
		{"{flowCode}/{yyyyMM}_{seq:4}", "", "signs that numbers must not have"},
		{"{flowCode}_{yyyyMM_{seq:4}", "", `"{" without "}"`},
		{"{flowCode}_{yyyyMM}}_{seq:4}", "", `"}" without "{"`},
		{"{flowCode}_{yyyyMM}_{seq:4}}", "", `"}" without "{"`},
		{"{}{flowCode}_{yyyyMM}_{seq:4}", "", "empty placeholder"},
	} {
		if _, err := approval.NewNumbering(serial(c.pattern, c.period)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.pattern, err, c.want)
		}
	}
}

// Different counters of any periods never give the same number, and every
// number is read back as what it was made of.
func TestNumbersAreReadBack(t *testing.T) {
	patterns := []string{"{flowCode}_{yyyyMM}_{seq:4}", "{seq:2}{yyyyMMdd}{flowCode}", "{flowCode}{yyyyMM}{seq:3}", "{yyyyMM}{seq:4}.{flowCode}"}
	rapid.Check(t, func(t *rapid.T) {
		n, err := approval.NewNumbering(serial(rapid.SampledFrom(patterns).Draw(t, "pattern"), approval.PeriodMonth))
		if err != nil {
			t.Fatal(err)
		}
		at := time.Unix(rapid.Int64Range(1.5e9, 2.5e9).Draw(t, "at"), 0)
		counter := rapid.OneOf(rapid.Int64Range(1, 20), rapid.Int64Range(9990, 10010), rapid.Int64Range(1, 1e15)).Draw(t, "counter")
		number := n.Number(at, counter)
		if key, got, ok := n.Parse(number); !ok || key != n.PeriodKey(at) || got != counter {
			t.Fatalf("%s read as %s, %d, %v; made of %s, %d", number, key, got, ok, n.PeriodKey(at), counter)
		}
	})
}
