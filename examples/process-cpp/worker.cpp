// A network of two hidden units that is to learn the exclusive or: its error, for weights that l2l-mpi proposes.
#include "l2l_worker.hpp"

#include <cmath>

static double output(const std::vector<double> &w, double a, double b) {
	const double x = std::tanh(w[0] * a + w[1] * b + w[2]), y = std::tanh(w[3] * a + w[4] * b + w[5]);
	return std::tanh(w[6] * x + w[7] * y + w[8]);
}

int main() {
	return l2l::serve([](const l2l::Evaluation &e) {
		const auto w = e.vector("w");
		if (w.size() != 9) throw std::runtime_error("want 9 weights");
		double error = 0;
		for (double a : {-1.0, 1.0})
			for (double b : {-1.0, 1.0}) error += std::pow(output(w, a, b) + a * b, 2) / 4;
		return std::vector<double>{error};
	});
}
