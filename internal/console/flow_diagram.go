package console

import (
	"net/url"
	"strings"

	"orgflow"
	"orgflow/internal/api"
	"orgflow/internal/approval"
	"orgflow/internal/flowdraw"
)

// diagram is a definition as it is drawn; of a flow, with the states of its
// nodes.
type diagram struct {
	flowdraw.Drawing
	Boxes []diagramBox
}

// diagramBox is a node of a diagram.
type diagramBox struct {
	flowdraw.Box
	Sign   string             // how people sign there; empty: they do not, or it is one person's node
	State  orgflow.VisitState // empty: not entered in this round
	Stuck  bool               // the flow cannot go on from here
	People string             // who has to act here
	Href   string             // the definition of a subflow
}

// inset is between the two frames of a subflow.
const inset = 4

// InnerX is the left edge of the second frame of a subflow.
func (b diagramBox) InnerX() int { return b.X + inset }

// InnerY is the upper edge of the second frame.
func (b diagramBox) InnerY() int { return b.Y + inset }

// InnerWidth is the width of the second frame.
func (b diagramBox) InnerWidth() int { return b.Width - 2*inset }

// InnerHeight is the height of the second frame.
func (b diagramBox) InnerHeight() int { return b.Height - 2*inset }

// Alone tells that nothing stands below the name.
func (b diagramBox) Alone() bool {
	return b.Name == "" && b.Sign == "" && b.State == "" && !b.Stuck
}

// NameY is the base line of the name.
func (b diagramBox) NameY() int {
	if b.Alone() {
		return b.Y + 30
	}
	return b.Y + 22
}

// KindY is the base line of what stands below the name.
func (b diagramBox) KindY() int { return b.Y + 40 }

func newDiagram(def *approval.Definition, who reader) diagram {
	out := diagram{Drawing: flowdraw.Draw(def)}
	for _, box := range out.Drawing.Boxes {
		b := diagramBox{Box: box}
		if n, ok := def.Node(box.Seq); ok {
			b.Sign = string(n.Sign.Mode)
			if n.Type == approval.NodeSubflow {
				b.Href = "/flows/definitions/" + url.PathEscape(n.Flow) + who.Query()
			}
		}
		out.Boxes = append(out.Boxes, b)
	}
	return out
}

// mark adds where a flow is: the state of each node's last visit of the
// round, and who has to act.
func (d *diagram) mark(flow api.FlowDetail, background FlowBackground) {
	states, people := map[int]orgflow.VisitState{}, map[int][]string{}
	for _, v := range flow.Nodes {
		if v.Round == flow.Round {
			states[v.NodeSeq] = v.State
		}
	}
	for _, t := range flow.Tasks {
		if t.State == orgflow.TaskActive {
			people[t.NodeSeq] = append(people[t.NodeSeq], t.UserName+" "+t.UserCode)
		}
	}
	for i := range d.Boxes {
		b := &d.Boxes[i]
		b.State, b.People = states[b.Seq], strings.Join(people[b.Seq], ", ")
		b.Stuck = background.FaultNode != nil && *background.FaultNode == b.Seq
	}
}
