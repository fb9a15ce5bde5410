package approval

import "slices"

// circle returns the shortest way from the flow over a subflow back to itself,
// as codes, nil if there is none. What flows start each other through versions
// that are published later is not known here; running ones are bounded.
func (c *checker) circle(subflow string) []string {
	before := map[string]string{subflow: ""} // by code, which flow starts it
	for queue := []string{subflow}; len(queue) > 0; queue = queue[1:] {
		code := queue[0]
		if code == c.d.FlowCode {
			return c.wayTo(code, before)
		}
		if c.known.Subflows == nil {
			continue
		}
		for _, next := range c.known.Subflows(code) {
			if _, seen := before[next]; !seen {
				before[next] = code
				queue = append(queue, next)
			}
		}
	}
	return nil
}

func (c *checker) wayTo(code string, before map[string]string) []string {
	way := []string{}
	for ; code != ""; code = before[code] {
		way = append(way, code)
	}
	way = append(way, c.d.FlowCode)
	slices.Reverse(way)
	return way
}

// Subflows returns the codes of the flows that a definition starts, each once.
func (d *Definition) Subflows() []string {
	var codes []string
	for _, n := range d.Nodes {
		if n.Type == NodeSubflow {
			codes = append(codes, n.Flow)
		}
	}
	return unique(codes)
}
