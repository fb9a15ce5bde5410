package flowdraw

import (
	"cmp"
	"slices"
)

// sweeps is how often the layers are gone through, down and up.
const sweeps = 6

// order arranges each layer so that few ways cross: spots go to the middle of
// their neighbours, layer by layer, down and up; the best arrangement stays.
func (g *grid) order() {
	seen := make([]bool, len(g.spots))
	var look func(int)
	look = func(i int) { // from left to right as the definition says
		if seen[i] {
			return
		}
		seen[i] = true
		g.layers[g.spots[i].layer] = append(g.layers[g.spots[i].layer], i)
		for _, to := range g.spots[i].downs {
			look(to)
		}
	}
	for i := range g.spots {
		look(i)
	}
	best, fewest := g.arranged(), g.crossings()
	for i := 0; i < sweeps && fewest > 0; i++ {
		for layer := range g.layers {
			g.arrange(layer, func(s spot) []int { return s.ups })
		}
		for layer := len(g.layers) - 1; layer >= 0; layer-- {
			g.arrange(layer, func(s spot) []int { return s.downs })
		}
		if n := g.crossings(); n < fewest {
			best, fewest = g.arranged(), n
		}
	}
	g.layers = best
}

func (g *grid) arranged() [][]int {
	out := make([][]int, len(g.layers))
	for i, layer := range g.layers {
		out[i] = slices.Clone(layer)
	}
	return out
}

// ranks are the places of all spots in their layers.
func (g *grid) ranks() []int {
	rank := make([]int, len(g.spots))
	for _, layer := range g.layers {
		for at, i := range layer {
			rank[i] = at
		}
	}
	return rank
}

// arrange sorts a layer by the middle of each spot's neighbours.
func (g *grid) arrange(layer int, neighbours func(spot) []int) {
	rank := g.ranks()
	middle := map[int]float64{}
	for _, i := range g.layers[layer] {
		near := neighbours(g.spots[i])
		middle[i] = float64(rank[i])
		if len(near) == 0 {
			continue
		}
		sum := 0
		for _, n := range near {
			sum += rank[n]
		}
		middle[i] = float64(sum) / float64(len(near))
	}
	slices.SortStableFunc(g.layers[layer], func(a, b int) int { return cmp.Compare(middle[a], middle[b]) })
}

// crossings counts the pairs of ways that cross.
func (g *grid) crossings() int {
	rank, n := g.ranks(), 0
	for _, layer := range g.layers {
		var ways [][2]int
		for _, i := range layer {
			for _, to := range g.spots[i].downs {
				ways = append(ways, [2]int{rank[i], rank[to]})
			}
		}
		for i, a := range ways {
			for _, b := range ways[i+1:] {
				if (a[0]-b[0])*(a[1]-b[1]) < 0 {
					n++
				}
			}
		}
	}
	return n
}
