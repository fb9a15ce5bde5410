package flowdraw

import "math"

// rounds is how often the layers are pulled straight.
const rounds = 12

// place gives each spot its x: as near to the middle of its neighbours as the
// others of its layer allow.
func (g *grid) place() {
	at := make([]float64, len(g.spots))
	for _, layer := range g.layers {
		x := 0.0
		for k, i := range layer {
			if k > 0 {
				x += g.apart(layer[k-1], i)
			}
			at[i] = x
		}
	}
	for range rounds {
		for layer := 1; layer < len(g.layers); layer++ {
			g.pull(layer, at, func(s spot) []int { return s.ups })
		}
		for layer := len(g.layers) - 2; layer >= 0; layer-- {
			g.pull(layer, at, func(s spot) []int { return s.downs })
		}
	}
	left := math.Inf(1)
	for i, s := range g.spots {
		left = min(left, at[i]-float64(s.width)/2)
	}
	for i := range g.spots {
		g.spots[i].x = margin + int(math.Round(at[i]-left))
	}
	g.align()
}

// apart is how far the middles of two neighbours of a layer are at least.
func (g *grid) apart(a, b int) float64 {
	return float64(g.spots[a].width+g.spots[b].width)/2 + between
}

// straight is how much more a way that only crosses a layer wants to be
// straight than a box wants to be in the middle.
const straight = 4

// pull moves a layer towards its neighbours in another one. Among all places
// that keep the order and the distances it takes those with the least sum of
// squares (isotonic regression: neighbours that want to pass each other form
// a block that moves as one).
func (g *grid) pull(layer int, at []float64, neighbours func(spot) []int) {
	type block struct {
		x, weight float64 // of its first spot's wish
		spots     int
	}
	spots := g.layers[layer]
	offset := make([]float64, len(spots)) // of each spot from the first, packed
	var blocks []block
	for k, i := range spots {
		if k > 0 {
			offset[k] = offset[k-1] + g.apart(spots[k-1], i)
		}
		wish, weight := at[i], 1.0
		if near := neighbours(g.spots[i]); len(near) > 0 {
			wish = 0
			for _, n := range near {
				wish += at[n] / float64(len(near))
			}
		}
		if g.spots[i].crossing {
			weight = straight
		}
		blocks = append(blocks, block{wish - offset[k], weight, 1})
		for n := len(blocks); n > 1 && blocks[n-2].x > blocks[n-1].x; n = len(blocks) {
			a, b := blocks[n-2], blocks[n-1]
			whole := a.weight + b.weight
			blocks = append(blocks[:n-2], block{(a.x*a.weight + b.x*b.weight) / whole, whole, a.spots + b.spots})
		}
	}
	k := 0
	for _, b := range blocks {
		for range b.spots {
			at[spots[k]] = b.x + offset[k]
			k++
		}
	}
}

// align makes ways straight that rounding has left a pixel or two off.
func (g *grid) align() {
	const off = 2
	for _, layer := range g.layers[1:] {
		for _, i := range layer {
			s := &g.spots[i]
			if len(s.ups) != 1 {
				continue
			}
			if d := g.spots[s.ups[0]].x - s.x; d != 0 && d >= -off && d <= off {
				s.x += d
			}
		}
	}
}
