// Package kit is what algorithms are made of, those of this module and others: a search that keeps its books with it is a hundred lines.
//
//   - Books between Ask and Tell: [Generation] for an algorithm that learns from a set of individuals at once, [Stream] for one without
//     generations, [Cloud] for one whose individuals surround a centre. They give numbers, check results, remember the best and the front, and
//     are part of the algorithm's state.
//   - Parameters: [Resolved], [SingleObjective], and [Usual], the population where none is given.
//   - What was known before: [Warm].
//   - State: [EncodeState], [DecodeState], and the random stream [Source]. A state is a struct of exported fields.
//   - Spaces: [Frame], for algorithms that draw from distributions over real numbers: bounds, whole numbers and categories are its business.
//   - Individuals and their order: [Individual], [Ranked], [Generation.Ranking].
//   - Steps: crossover and mutation, [Pick], [LatinHypercube], [Metropolis].
//
// An algorithm of this kind has parameters, a state, and six methods, of which most are one line:
//
//	func (o *Search) Ask(max int) ([]optimizer.Candidate, error) {
//		if o.s.Gen.Idle() {
//			o.s.Gen.Begin(o.next()) // the points of a generation
//		}
//		return o.s.Gen.Ask(max), nil
//	}
//
//	func (o *Search) Tell(results []optimizer.Evaluated) error {
//		complete, err := o.s.Gen.Tell(results, o.problem, o.redraw)
//		if !complete {
//			return err
//		}
//		o.learn(o.s.Gen.Ranked()) // from the best to the worst
//		o.s.Gen.End()
//		return nil
//	}
//
//	func (o *Search) MarshalBinary() ([]byte, error)    { return kit.EncodeState(algorithm(), 1, o.problem, o.s) }
//	func (o *Search) UnmarshalBinary(b []byte) error    { return kit.DecodeState(algorithm(), 1, o.problem, b, &o.s) }
//
// The kit knows no algorithm. Package optimizertest tells whether one keeps the contract.
package kit
