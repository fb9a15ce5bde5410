package flowdraw

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"orgflow/internal/approval"
)

// parse reads "0>10 10>20,30 20>40 30>40" with the first node the start.
func parse(text string) *approval.Definition {
	d := &approval.Definition{}
	index := map[int]int{}
	node := func(seq int) int {
		if _, ok := index[seq]; !ok {
			index[seq] = len(d.Nodes)
			d.Nodes = append(d.Nodes, approval.Node{Seq: seq, Type: approval.NodeApprove, Name: fmt.Sprint("n", seq)})
		}
		return index[seq]
	}
	for _, part := range strings.Fields(text) {
		from, to, _ := strings.Cut(part, ">")
		var a int
		_, _ = fmt.Sscan(from, &a)
		node(a)
		for _, target := range strings.Split(to, ",") {
			var b int
			_, _ = fmt.Sscan(target, &b)
			node(b)
			n := &d.Nodes[index[a]]
			n.Next = append(n.Next, approval.Edge{To: b})
		}
	}
	return d
}

func layers(d *approval.Definition) string {
	g := newGrid(d)
	g.order()
	var out []string
	for _, layer := range g.layers {
		var seqs []string
		for _, i := range layer {
			if i < len(d.Nodes) {
				seqs = append(seqs, fmt.Sprint(d.Nodes[i].Seq))
			} else {
				seqs = append(seqs, "|")
			}
		}
		out = append(out, strings.Join(seqs, " "))
	}
	return strings.Join(out, " / ")
}

// A node stands below all that lead to it; ways that pass a layer have a
// place in it; what need not cross does not.
func TestNodesStandInLayers(t *testing.T) {
	for text, want := range map[string]string{
		"0>10 10>99":                               "0 / 10 / 99",
		"0>10 10>20,30 20>40 30>40 40>99":          "0 / 10 / 20 30 / 40 / 99",
		"0>10 10>20,30 20>30 30>99":                "0 / 10 / 20 | / 30 / 99",
		"0>10 10>99,20 20>30 30>99":                "0 / 10 / | 20 / | 30 / 99",
		"0>10,20 10>31,32 20>30 30>99 31>99 32>99": "0 / 10 20 / 31 32 30 / 99",
		"0>1,2 1>3,4 2>3 3>9 4>9":                  "0 / 1 2 / 4 3 / 9", // 3 and 4 change places, so that nothing crosses
		"0>10 10>20 20>10,99":                      "0 / 10 / 20 / 99",  // the way back moves nothing
		"0>10 10>10,99":                            "0 / 10 / 99",
		"0>5 7>5 5>9":                              "0 7 / 5 / 9", // 7 cannot be reached
		"0>0":                                      "0",
	} {
		if got := layers(parse(text)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// genDefinition is any graph, circles and edges to nowhere included.
func genDefinition(t *rapid.T) *approval.Definition {
	d := &approval.Definition{}
	n := rapid.IntRange(1, 14).Draw(t, "nodes")
	for i := range n {
		node := approval.Node{Seq: i * 10, Type: approval.NodeApprove, Name: rapid.SampledFrom([]string{"", "部门负责人", "Manager", "财务会签与非常长的节点名称"}).Draw(t, "name")}
		for range rapid.IntRange(0, 3).Draw(t, "edges") {
			e := approval.Edge{To: 10 * rapid.IntRange(0, n).Draw(t, "to")}
			e.When = rapid.SampledFrom([]string{"", "form.amount > 50000"}).Draw(t, "when")
			e.Default = e.When == "" && rapid.Bool().Draw(t, "default")
			node.Next = append(node.Next, e)
		}
		d.Nodes = append(d.Nodes, node)
	}
	return d
}

func TestDrawingsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := genDefinition(t)
		drawn := Draw(d)
		if len(drawn.Boxes) != len(d.Nodes) {
			t.Fatalf("%d boxes of %d nodes", len(drawn.Boxes), len(d.Nodes))
		}
		if again := Draw(d); !reflect.DeepEqual(drawn, again) {
			t.Fatalf("the same definition looks different")
		}
		for i, a := range drawn.Boxes {
			if a.X < margin || a.Y < margin || a.X+a.Width+margin > drawn.Width || a.Y+a.Height+margin > drawn.Height {
				t.Fatalf("box %d is outside of %d x %d: %+v", a.Seq, drawn.Width, drawn.Height, a)
			}
			for _, b := range drawn.Boxes[i+1:] {
				if a.X < b.X+b.Width && b.X < a.X+a.Width && a.Y < b.Y+b.Height && b.Y < a.Y+a.Height {
					t.Fatalf("boxes %d and %d overlap: %+v %+v", a.Seq, b.Seq, a, b)
				}
			}
		}
		drawnWays(t, drawn)
	})
}

// drawnWays looks at where ways begin, end and pass.
func drawnWays(t *rapid.T, drawn Drawing) {
	boxes := map[int]Box{}
	for _, b := range drawn.Boxes {
		boxes[b.Seq] = b
	}
	for _, w := range drawn.Ways {
		from, to := boxes[w.From], boxes[w.To]
		first, last := w.points[0], w.points[len(w.points)-1]
		if first != (point{from.Middle(), from.Y + from.Height}) || last != (point{to.Middle(), to.Y}) {
			t.Fatalf("the way %d>%d goes from %v to %v", w.From, w.To, first, last)
		}
		if to.Y <= from.Y { // leads back
			continue
		}
		for k := 1; k+1 < len(w.points); k += 2 { // through a layer
			a, b := w.points[k], w.points[k+1]
			for _, box := range drawn.Boxes {
				if a.x > box.X && a.x < box.X+box.Width && a.y < box.Y+box.Height && box.Y < b.y {
					t.Fatalf("the way %d>%d passes through box %d", w.From, w.To, box.Seq)
				}
			}
			if a.x < 0 || a.x > drawn.Width {
				t.Fatalf("the way %d>%d leaves the drawing at %d", w.From, w.To, a.x)
			}
		}
	}
}

// The shipped flow: its choice, its straight middle and its condition.
func TestTheDemosFlow(t *testing.T) {
	raw, err := os.ReadFile("../../meta/companies/129/flows/purchase01.json")
	if err != nil {
		t.Fatal(err)
	}
	var d approval.Definition
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	if got, want := layers(&d), "0 / 10 / 20 | / 30 / 40 / 99"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	drawn := Draw(&d)
	var labels []string
	for _, l := range drawn.Labels {
		labels = append(labels, fmt.Sprint(l.From, ">", l.To, " ", l.When, " ", l.Default))
	}
	if want := []string{"10>20 form.amount > vars.large false", "10>30  true"}; !slices.Equal(labels, want) {
		t.Errorf("%q, want %q", labels, want)
	}
	for _, pair := range [][2]int{{0, 1}, {3, 4}, {4, 5}} { // 0 above 10; 30, 40, 99 one above the other
		if a, b := drawn.Boxes[pair[0]], drawn.Boxes[pair[1]]; a.X != b.X {
			t.Errorf("%s stands at %d, %s at %d", a.Name, a.X, b.Name, b.X)
		}
	}
	if drawn.Width > 440 {
		t.Errorf("it is %d pixels wide", drawn.Width)
	}
}

func TestTextsFitTheirBoxes(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{
		{"", 56, ""}, {"部门负责", 56, "部门负责"}, {"部门负责人", 56, "部门负…"}, {"Manager", 56, "Manager"}, {"Managers too", 56, "Manag…"}, {"一", 7, "…"},
	} {
		if got := fit(c.text, c.width, 14); got != c.want || !utf8.ValidString(got) {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

func TestPathsAreCurvesBetweenLayersOnly(t *testing.T) {
	w := Way{points: []point{{10, 0}, {30, 20}, {30, 60}, {30, 80}}}
	if got, want := w.Path(), "M10 0C10 10 30 10 30 20V60V80"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Ways stand from left to right as they are tried, whatever order they are
// written in.
func TestWaysStandInTheOrderTheyAreTried(t *testing.T) {
	d := parse("0>1,2,3 1>9 2>9 3>9")
	d.Nodes[0].Next = []approval.Edge{{To: 1, Default: true}, {To: 2, When: "b", Order: 2}, {To: 3, When: "a", Order: 1}}
	if got, want := layers(d), "0 / 3 2 1 / 9"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
