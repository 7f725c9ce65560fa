# A decay, amplitude * exp(-t / tau), beside a recording: prints the mean square error.
set -eu
awk -F, -v amplitude="$1" -v tau="$2" '
	NR > 1 { r = $2 - amplitude * exp(-$1 / tau); sum += r * r; n++ }
	END { print sum / n }' recording.csv
