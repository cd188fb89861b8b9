"""Routes of a diagram's arrows: each is the cheapest that crosses no box and overlaps no other."""

COLUMN = 2.4  # distance between the centres of two columns
HALF_BOX = (0.8, 0.3)
HALF_CIRCLE = (0.22, 0.3)  # round on paper, where rows are closer than columns
LANES = (0.2, 0.4, 0.6)  # beside the boxes of a column
STEP = 0.5  # from the centre of a box to the bend below it, above the head of an arrow
# Costs in units of length.
CROSSED_BOX = 1000
SHARED_ROUTE = 100
BEND = 0.5
SIDE = 4  # an arrow that enters or leaves a box at its side


class Router:
    """The routes of a Layout's arrows, found one after another.

    at      {node: (x, y)} of its centre; y grows downwards
    half    {node: half of the width and of the height of its box or circle}
    arrows  [(source, target, points)]; the points lead from the source's edge to the target's
    """

    def __init__(self, layout):
        self.at = {name: (COLUMN * column, row) for name, (column, row) in layout.places().items()}
        self.half = {
            name: HALF_CIRCLE if kind == "meeting" else HALF_BOX
            for name, kind in layout.kind.items()
        }
        self.arrows = []
        for target, sources in layout.inputs.items():
            for source in sources:
                routes = self._routes(source, target)
                best = min(routes, key=lambda points: self._cost(source, target, points))
                self.arrows.append((source, target, best))

    def _routes(self, source, target):
        """Yield all candidates: straight; down and across; across and down; through a lane."""
        x0, y0 = self.at[source]
        x1, y1 = self.at[target]
        wide, high = self.half[target]
        out, low = self.half.get(source, (0, 0))
        top = (x1, y1 - high)
        bottom = (x0, y0 + low)
        if x0 == x1:
            yield [bottom, top]
        else:
            yield [bottom, (x0, y1), (x1 - wide if x0 < x1 else x1 + wide, y1)]
            step = y0 + (STEP if low else 0.1)
            yield [bottom, (x0, step), (x1, step), top]
        for column in sorted({x0, x1}):
            for distance in (*LANES, *(-lane for lane in LANES)):
                lane = column + distance + (HALF_BOX[0] if distance > 0 else -HALF_BOX[0])
                entry = (x1 + wide if lane > x1 else x1 - wide, y1)
                leave = (x0 + out if lane > x0 else x0 - out, y0)
                bend = y0 + STEP
                yield [leave, (lane, y0), (lane, y1), entry]
                yield [bottom, (x0, bend), (lane, bend), (lane, y1), entry]

    def _cost(self, source, target, points):
        segments = pieces(points)
        length = sum(abs(x1 - x0) + abs(y1 - y0) for (x0, y0), (x1, y1) in segments)
        crossed = sum(
            crosses(segment, self.at[name], half, name in (source, target))
            for name, half in self.half.items()
            for segment in segments
        )
        others = [way for first, _, way in self.arrows if first != source]
        taken = [piece for way in others for piece in pieces(way)]
        shared = sum(overlap(segment, piece) for segment in segments for piece in taken)
        upwards = sum(y1 < y0 - 0.01 for (_, y0), (_, y1) in segments)
        sides = sum(
            y0 == y1 and self.half.get(name) == HALF_BOX
            for name, ((_, y0), (_, y1)) in ((source, segments[0]), (target, segments[-1]))
        )
        costs = CROSSED_BOX * (crossed + upwards) + SHARED_ROUTE * shared
        return costs + length + BEND * len(segments) + SIDE * sides


def pieces(points):
    """Return the segments between points."""
    return list(zip(points, points[1:]))


def crosses(segment, centre, half, ends=False):
    """Return whether a segment passes through a box. ends: it may touch the border of this box."""
    (x0, y0), (x1, y1) = segment
    room = -0.02 if ends else 0.04
    wide, high = half[0] + room, half[1] + room
    return (
        min(x0, x1) < centre[0] + wide
        and max(x0, x1) > centre[0] - wide
        and min(y0, y1) < centre[1] + high
        and max(y0, y1) > centre[1] - high
    )


def overlap(first, second):
    """Return whether two segments share more than a point."""
    for axis in (0, 1):
        if len({round(point[1 - axis], 3) for point in (*first, *second)}) == 1:
            ranges = [sorted(point[axis] for point in segment) for segment in (first, second)]
            return min(high for _, high in ranges) - max(low for low, _ in ranges) > 0.05
    return False
