package nes

import "github.com/meta-optimization/l2l-mpi/optimizer/kit"

// recommended are the individuals at the centre of a cloud, and at the average of its centres; none before the cloud has learnt.
func recommended(f *kit.Frame, cloud *kit.Cloud, centre []float64, average kit.Average) (points [][]float64) {
	if cloud.Number == 0 {
		return nil
	}
	points = append(points, f.Point(centre))
	if average.T > 0 {
		points = append(points, f.Point(average.X))
	}
	return points
}
