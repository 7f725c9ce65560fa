; A colony of ants that share one small network. Its weights are in params.csv, in a row beneath their names; what to run it on is in
; task.csv: the seed of the ants, and the number of the world. Both files are where this one is.

extensions [csv]

globals [
  move-weights turn-weights lay-weights  ; 13 each, one for each sensor
  fitness                                ; what the colony has earned, less what its actions cost
  food-home                              ; pieces of food brought to the nest
]

breed [ants ant]
ants-own [carrying?]
patches-own [pheromone food nest?]

;; setup

to setup
  clear-all
  let weights item 1 csv:from-file "params.csv"
  set move-weights sublist weights 0 13
  set turn-weights sublist weights 13 26
  set lay-weights sublist weights 26 39
  let setting item 0 csv:from-file "task.csv"
  random-seed item 0 setting
  ask patches [ set nest? distancexy 0 0 <= 2 ]
  foreach [0 1 2 3] [ i -> make-heap 4 * (item 1 setting) + i ]
  create-ants population [
    set heading 45 * random 8
    set carrying? false
    set size 1.5
  ]
  paint
  reset-ticks
end

; Heap number n of all worlds: successive heaps are a golden angle apart. No random number is drawn, so that world is the same for all.
to make-heap [n]
  let angle (137.508 * n) mod 360
  let away 6 + 4 * ((0.7549 * n) mod 1)
  let x away * sin angle
  let y away * cos angle
  ask patches with [distancexy x y <= 2] [ set food 10 ]
end

;; go

to go
  foreach sort ants [ each-ant -> ask each-ant [ act ] ]
  tick
  if ticks mod 7 = 0 [
    diffuse pheromone 0.15
    ask patches [ set pheromone 0.99 * pheromone ]
    paint
  ]
end

to act  ; ant procedure
  let sensed sensors
  let moves? fires? move-weights sensed
  let turns-left? fires? turn-weights sensed
  let turns-right? fires? turn-weights mirrored sensed
  let lays? fires? lay-weights sensed
  if turns-left? [ left 45 earn -0.02 ]
  if turns-right? [ right 45 earn -0.02 ]
  if lays? [
    set pheromone pheromone + 1
    earn -0.05
  ]
  ifelse moves?
    [ advance ]
    [ if not (turns-left? or turns-right?) [ earn -0.5 ] ]
  ifelse carrying?
    [ if nest? [
        set carrying? false
        right 180
        set food-home food-home + 1
        earn 220
      ] ]
    [ if food > 0 [
        set food food - 1
        set carrying? true
        right 180
        earn 1.5
      ] ]
end

to advance  ; ant procedure
  earn -0.25
  ifelse patch-ahead 1 = nobody
    [ earn -5.5 ]
    [ move-to patch-ahead 1 ]
end

to earn [amount]
  set fitness fitness + amount
end

;; the network

; An output fires if its weighted sum of the sensors is positive.
to-report fires? [weights sensed]
  report sum (map * weights sensed) > 0
end

; What an ant senses: pheromone, food and the nest, each on the left, ahead and on the right; two heartbeats, left and right; the wall; 1.
to-report sensors  ; ant procedure
  let left-patch patch-left-and-ahead 45 1
  let ahead-patch patch-ahead 1
  let right-patch patch-right-and-ahead 45 1
  let l smell left-patch
  let a smell ahead-patch
  let r smell right-patch
  let strongest ifelse-value (a >= l and a >= r) [0] [ifelse-value (l >= r) [-1] [1]]
  let smelt? max (list l a r) > 0.05
  let seeks? not carrying?
  let side 0  ; of the nest, in turns of 45 degrees, negative on the left
  if carrying? [ set side round ((subtract-headings (towardsxy 0 0) heading) / 45) ]
  report (list
    (bit (smelt? and strongest = -1)) (bit (smelt? and strongest = 0)) (bit (smelt? and strongest = 1))
    (bit (seeks? and food-on left-patch > 0)) (bit (seeks? and food-on ahead-patch > 0)) (bit (seeks? and food-on right-patch > 0))
    (bit (carrying? and side < 0 and side > -4)) (bit (carrying? and side = 0)) (bit (carrying? and (side > 0 or side = -4)))
    (bit (random-float 1 < 0.2)) (bit (random-float 1 < 0.2))
    (bit (ahead-patch = nobody)) 1)
end

; The same with left and right exchanged.
to-report mirrored [sensed]
  report map [ i -> item i sensed ] [2 1 0 5 4 3 8 7 6 10 9 11 12]
end

to-report smell [a-patch]
  report ifelse-value (a-patch = nobody) [0] [[pheromone] of a-patch]
end

to-report food-on [a-patch]
  report ifelse-value (a-patch = nobody) [0] [[food] of a-patch]
end

to-report bit [on?]
  report ifelse-value on? [1] [0]
end

;; the view

to paint
  ask patches [
    set pcolor ifelse-value nest? [brown] [ifelse-value (food > 0) [yellow] [scale-color green pheromone 0 5]]
  ]
  ask ants [ set color ifelse-value carrying? [orange] [red] ]
end
@#$#@#$#@
GRAPHICS-WINDOW
210
10
647
448
-1
-1
13.0
1
10
1
1
1
0
0
0
1
-16
16
-16
16
1
1
1
ticks
30.0

BUTTON
10
10
95
43
NIL
setup
NIL
1
T
OBSERVER
NIL
NIL
NIL
NIL
1

BUTTON
105
10
190
43
NIL
go
T
1
T
OBSERVER
NIL
NIL
NIL
NIL
1

SLIDER
10
55
190
88
population
population
1
100
15.0
1
1
ants
HORIZONTAL

MONITOR
10
100
95
145
NIL
fitness
2
1
11

MONITOR
105
100
190
145
NIL
food-home
0
1
11

@#$#@#$#@
## WHAT IS IT?

A colony that looks for food, carries it to the nest, and may mark its way with pheromone. What its ants do is decided by a network of 13 sensors and 4 outputs, whose 39 weights come from outside: an optimizer looks for weights with which the colony earns most.

## HOW IT WORKS

An ant stands on a patch and has one of eight headings. In each tick each ant senses, and each of four outputs fires if its weighted sum of the sensors is positive: move, turn left by 45 degrees, turn right, lay pheromone. The right turn has the weights of the left one, with left and right exchanged. An ant that comes upon food takes a piece and turns round; it drops it in the nest and turns round again. Every 7 ticks 15 % of the pheromone diffuses and 1 % evaporates.

The colony earns 220 for a piece of food brought home and 1.5 for one picked up. It pays 0.25 for a move, 0.02 for a turn, 0.05 for pheromone, 0.5 for a tick in which an ant neither moves nor turns, and 5.5 for running into the wall.

## HOW TO USE IT

Put `params.csv` and `task.csv` beside the model, press setup and go. The experiment `colony` of BehaviorSpace reports the fitness after 800 ticks.
@#$#@#$#@
default
true
0
Polygon -7500403 true true 150 5 40 250 150 205 260 250
@#$#@#$#@
NetLogo 6.4.0
@#$#@#$#@
@#$#@#$#@
@#$#@#$#@
<experiments>
  <experiment name="colony" repetitions="1" runMetricsEveryStep="false">
    <setup>setup</setup>
    <go>go</go>
    <timeLimit steps="800"/>
    <metric>ticks</metric>
    <metric>precision fitness 2</metric>
    <metric>food-home</metric>
    <enumeratedValueSet variable="population">
      <value value="15"/>
    </enumeratedValueSet>
  </experiment>
</experiments>
@#$#@#$#@
@#$#@#$#@
default
0.0
-0.2 0 0.0 1.0
0.0 1 1.0 0.0
0.2 0 0.0 1.0
link direction
true
0
Line -7500403 true 150 150 90 180
Line -7500403 true 150 150 210 180
@#$#@#$#@
0
@#$#@#$#@
