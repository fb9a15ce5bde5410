package orgflow_test

import (
	"testing"

	"orgflow"
)

func TestBareMobile(t *testing.T) {
	for in, want := range map[string]string{
		"10000000001": "10000000001", "+86 100-0000-0001": "10000000001", "8610000000001": "10000000001", "(86)10000000001": "10000000001",
		"+852-10000001": "85210000001", "86100000001": "86100000001", "+44 10000000001": "4410000000001", "+86": "86", "none": "", "": "",
	} {
		if got := orgflow.BareMobile(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
