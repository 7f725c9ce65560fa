// Package splitmix is one function, which makes random bits of a number: what is to be random and yet the same each time, such as the seed of
// an evaluation or the scrambling of a sequence, is made of what it is for. It is no random stream; that is math/rand/v2.
package splitmix

// Mix returns 64 bits, each of which depends on every bit of x; it is a bijection. It is the finaliser of SplitMix64 with the stream's
// increment added first (Steele, Lea and Flood 2014, Fast Splittable Pseudorandom Number Generators, doi 10.1145/2714064.2660195).
func Mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
