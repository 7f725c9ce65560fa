package design

import (
	"cmp"
	_ "embed"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/meta-optimization/l2l-mpi/l2l/splitmix"
	"github.com/meta-optimization/l2l-mpi/optimizer"
	"github.com/meta-optimization/l2l-mpi/optimizer/kit"
)

// SobolParams configures Sobol.
type SobolParams struct {
	PopSize int `yaml:"pop_size" doc:"individuals per generation; best a power of two" range:"[1, 1e6]" auto:"32, or 8 times execution.parallel where that is more than 32"`
	Samples int `yaml:"samples" doc:"end after this many individuals, best a power of two; 0 is never" range:"[0, inf)"`
}

// maxSobolDim is the number of dimensions that there are direction numbers for.
const maxSobolDim = 1024

// SobolDefaults returns the defaults of [SobolParams].
func SobolDefaults() SobolParams { return SobolParams{} }

func (p *SobolParams) resolve(problem optimizer.Problem) error {
	p.PopSize = cmp.Or(p.PopSize, usualBatch(32, problem))
	if n := problem.Dim(); n > maxSobolDim {
		return fmt.Errorf("%w: it has %d coordinates, want at most %d; latin_hypercube takes any number", optimizer.ErrUnsuited, n, maxSobolDim)
	}
	return nil
}

func sobolAlgorithm() optimizer.Algorithm {
	return optimizer.Describe(optimizer.Algorithm{
		Name:  "sobol",
		Title: "Scrambled Sobol sequence",
		Reference: "Sobol' 1967, doi 10.1016/0041-5553(67)90144-9; direction numbers: Joe and Kuo 2008, doi 10.1137/070709359; " +
			"scrambling: Owen 1995, doi 10.1007/978-1-4612-2552-2_19",
		When: "to look at a model before searching it, as far as the budget allows: the space is covered evenly at any time, and can be covered " +
			"more finely later. Up to some tens of parameters that matter",
		Cost: "O(λn)",
		Parallelism: "pop_size at a time; with execution.parallel more than 32, 8 times as many as that says, so that the slots seldom wait for the last of a " +
			"generation; the points stay the same",
	}, SobolDefaults, NewSobol)
}

// Sobol proposes the points of a Sobol sequence, from its beginning, scrambled as the seed says.
type Sobol struct {
	design
	par SobolParams
}

// NewSobol makes a Sobol design for a problem with up to 1024 coordinates.
func NewSobol(problem optimizer.Problem, par SobolParams, seed uint64) (*Sobol, error) {
	par, err := kit.Resolved(sobolAlgorithm(), par, problem, (*SobolParams).resolve)
	if err != nil {
		return nil, err
	}
	o := &Sobol{newDesign(sobolAlgorithm(), problem, par.PopSize, par.Samples, seed), par}
	directions := sobolDirections(problem.Dim())
	o.points = func(_ *rand.Rand, from int64, n int) [][]float64 {
		untouched := *o.s.Src // nothing else is drawn from it, so that the first number stays the same
		key := untouched.Uint64()
		xs := make([][]float64, n)
		for i := range xs {
			xs[i] = make([]float64, problem.Dim())
			for k, c := range problem.Coords {
				u := scrambled(sobolBits(directions[k], uint64(from)+uint64(i)), splitmix.Mix(key+uint64(k)))
				xs[i][k] = c.Quantile((float64(u) + 0.5) / (1 << sobolDigits))
			}
		}
		return xs
	}
	return o, nil
}

// Params returns the parameters, with those filled in that were left to be chosen.
func (o *Sobol) Params() SobolParams { return o.par }

// sobolDigits is the number of binary digits of a coordinate: as many as leave room for the half that keeps it off 0 and 1.
const sobolDigits = 52

// sobolBits returns the digits of coordinate n of the sequence, in the order of the Gray code.
func sobolBits(directions [sobolDigits]uint64, n uint64) uint64 {
	var x uint64
	for gray := n ^ n>>1; gray != 0; gray &= gray - 1 {
		x ^= directions[bits.TrailingZeros64(gray)]
	}
	return x
}

// scrambled is Owen's nested uniform scrambling: each digit is flipped, or not, as a random bit says that depends on all digits before it.
// What the sequence covers evenly stays covered evenly, and each point is uniform.
func scrambled(x, key uint64) uint64 {
	var flips uint64
	for digit := range sobolDigits {
		before := 1<<digit | x>>(sobolDigits-digit) // those before it, and by the leading one how many
		flips = flips<<1 | splitmix.Mix(key^splitmix.Mix(before))&1
	}
	return x ^ flips
}

//go:embed sobol_directions.txt
var sobolTable string

// sobolDirections computes the direction numbers v_1, v_2, … of the first n dimensions, as binary fractions. The first dimension's are the
// powers of 1/2; for another one they follow by the recurrence of its polynomial (Joe and Kuo 2008, equations 2 and 3).
func sobolDirections(n int) [][sobolDigits]uint64 {
	v := make([][sobolDigits]uint64, n)
	for k := range sobolDigits {
		v[0][k] = 1 << (sobolDigits - 1 - k)
	}
	for line := range strings.Lines(sobolTable) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		var row []uint64 // dimension, s, a, m_1 … m_s
		for _, word := range strings.Fields(line) {
			number, err := strconv.ParseUint(word, 10, 64)
			if err != nil {
				panic(fmt.Sprintf("optimizer: sobol_directions.txt: %v", err))
			}
			row = append(row, number)
		}
		if int(row[0]) > n {
			break
		}
		w, s, a, m := &v[row[0]-1], int(row[1]), row[2], row[3:]
		for k := range w {
			if k < s {
				w[k] = m[k] << (sobolDigits - 1 - k)
				continue
			}
			w[k] = w[k-s] ^ w[k-s]>>s
			for i := 1; i < s; i++ {
				if a>>(s-1-i)&1 == 1 {
					w[k] ^= w[k-i]
				}
			}
		}
	}
	return v
}
