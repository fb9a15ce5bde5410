// Package flowdraw lays approval flows out for a drawing: layers from the
// start down to the ends, few crossings, straight ways where there is room.
// It is pure; who draws decides about colours and words.
package flowdraw

import (
	"fmt"
	"strings"

	"orgflow/internal/approval"
)

// Sizes of a drawing, in pixels.
const (
	boxWidth  = 176
	boxHeight = 50
	between   = 24 // boxes of a layer
	gap       = 34 // between two layers
	wideGap   = 56 // between two layers with labels
	margin    = 12
	nameSize  = 14 // of the letters
	labelSize = 12

	otherwiseWidth = 72 // of the word at a default way
)

// Drawing is a definition laid out. All measures are pixels from the upper
// left corner.
type Drawing struct {
	Width, Height int
	Boxes         []Box  // in the order of the definition
	Ways          []Way  // in the order of the definition
	Labels        []Text // of ways with a condition, and of default ways beside them
}

// Box is a node.
type Box struct {
	Seq                 int
	Type                approval.NodeType
	Name                string // whole
	Label               string // what of it fits the box
	X, Y, Width, Height int
}

// Middle is the x of the box's middle.
func (b Box) Middle() int { return b.X + b.Width/2 }

// Way is an edge, from the foot of one box to the head of another.
type Way struct {
	From, To int // seqs
	points   []point
}

type point struct{ x, y int }

// Text is what is written at a way.
type Text struct {
	From, To int // seqs
	X, Y     int // of the middle of its base line
	When     string
	Label    string // what of it fits
	Default  bool   // taken where no condition holds
}

// Path is the way as SVG's path data: curves between layers, straight lines
// through them.
func (w Way) Path() string {
	var b strings.Builder
	fmt.Fprintf(&b, "M%d %d", w.points[0].x, w.points[0].y)
	for i := 1; i < len(w.points); i++ {
		from, to := w.points[i-1], w.points[i]
		if from.x == to.x {
			fmt.Fprintf(&b, "V%d", to.y)
			continue
		}
		middle := (from.y + to.y) / 2
		fmt.Fprintf(&b, "C%d %d %d %d %d %d", from.x, middle, to.x, middle, to.x, to.y)
	}
	return b.String()
}

// Draw lays a definition out. The same definition always looks the same.
// Edges to nodes that are not there are left out, and edges that lead back
// are drawn without moving anything: neither can be published.
func Draw(d *approval.Definition) Drawing {
	g := newGrid(d)
	g.order()
	g.place()
	return g.drawing()
}

// drawing turns the grid into pixels.
func (g *grid) drawing() Drawing {
	tops := g.tops()
	out := Drawing{Height: tops[len(tops)-1] + margin, Width: 2 * margin}
	for _, p := range g.spots {
		out.Width = max(out.Width, p.x+p.width/2+margin)
	}
	for i, n := range g.def.Nodes {
		p := g.spots[i]
		out.Boxes = append(out.Boxes, Box{
			Seq: n.Seq, Type: n.Type, Name: n.Name, Label: fit(n.Name, boxWidth-20, nameSize),
			X: p.x - boxWidth/2, Y: tops[p.layer], Width: boxWidth, Height: boxHeight,
		})
	}
	taken := map[point]bool{}
	for _, e := range g.edges {
		way := Way{From: g.def.Nodes[e.from].Seq, To: g.def.Nodes[e.to].Seq, points: g.corners(e, tops)}
		out.Ways = append(out.Ways, way)
		if text, ok := g.label(e, way.points, taken); ok {
			out.Labels = append(out.Labels, text)
		}
	}
	return out
}

// tops returns the y of each layer, and that of the last one's feet.
func (g *grid) tops() []int {
	labelled := make([]bool, len(g.layers))
	for _, e := range g.edges {
		if e.labelled {
			labelled[g.spots[e.from].layer] = true
		}
	}
	y, tops := margin, make([]int, 0, len(g.layers)+1)
	for i := range g.layers {
		tops = append(tops, y)
		y += boxHeight
		if i+1 < len(g.layers) && labelled[i] {
			y += wideGap
		} else if i+1 < len(g.layers) {
			y += gap
		}
	}
	return append(tops, y)
}

// corners are the points an edge goes through.
func (g *grid) corners(e edge, tops []int) []point {
	from, to := g.spots[e.from], g.spots[e.to]
	points := []point{{from.x, tops[from.layer] + boxHeight}}
	for _, via := range e.via {
		p := g.spots[via]
		points = append(points, point{p.x, tops[p.layer]}, point{p.x, tops[p.layer] + boxHeight})
	}
	return append(points, point{to.x, tops[to.layer]})
}

// label places the text of an edge where its first curve ends; where another
// one stands already, where it begins.
func (g *grid) label(e edge, points []point, taken map[point]bool) (Text, bool) {
	if !e.labelled {
		return Text{}, false
	}
	at := point{points[1].x, points[1].y - 12}
	if taken[at] {
		at = point{points[0].x, points[0].y + 16}
	}
	taken[at] = true
	return Text{
		From: g.def.Nodes[e.from].Seq, To: g.def.Nodes[e.to].Seq, X: at.x, Y: at.y,
		When: e.when, Label: fit(e.when, boxWidth, labelSize), Default: e.when == "",
	}, true
}

// fit cuts a text to a width, in pixels, of letters of a size. Chinese letters
// are as wide as they are high, others about half.
func fit(text string, width, size int) string {
	room := 2 * width / size // in halves of a letter
	used := 0
	for i, r := range text {
		if used += halves(r); used > room {
			kept := []rune(text[:i])
			for used = halves('…') + halvesOf(kept); used > room && len(kept) > 0; used = halves('…') + halvesOf(kept) {
				kept = kept[:len(kept)-1]
			}
			return strings.TrimSpace(string(kept)) + "…"
		}
	}
	return text
}

func halvesOf(text []rune) (n int) {
	for _, r := range text {
		n += halves(r)
	}
	return n
}

func halves(r rune) int {
	if r >= 0x1100 { // from the Hangul letters on: CJK, signs, full width
		return 2
	}
	if strings.ContainsRune("mwMW@%", r) {
		return 2
	}
	return 1
}
