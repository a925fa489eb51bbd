"""Classes and generators: a small catalogue of shapes, filtered and summed lazily."""
import math


class Shape:
    count = 0

    def __init__(self, name):
        self.name = name
        Shape.count += 1

    def area(self):
        raise NotImplementedError

    def __repr__(self):
        return f"{type(self).__name__}({self.name!r}, area={self.area():.2f})"


class Circle(Shape):
    def __init__(self, radius):
        super().__init__(f"circle of {radius}")
        self.radius = radius

    def area(self):
        return math.pi * self.radius**2


class Rectangle(Shape):
    def __init__(self, width, height):
        super().__init__(f"{width} by {height}")
        self.width, self.height = width, height

    def area(self):
        return self.width * self.height

    @property
    def is_square(self):
        return self.width == self.height


def catalogue(n):
    for i in range(1, n + 1):
        yield Circle(i / 2)
        yield Rectangle(i, i + i % 3)


def large(shapes, least):
    return (s for s in shapes if s.area() >= least)


if __name__ == "__main__":
    shapes = list(catalogue(4))
    for shape in sorted(shapes, key=Shape.area):
        print(shape)
    print("squares:", [s.name for s in shapes if isinstance(s, Rectangle) and s.is_square])
    print("large area in all:", round(sum(s.area() for s in large(shapes, 5)), 3))
    print("made:", Shape.count)
