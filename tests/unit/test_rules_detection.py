"""Boxes and points in cells: what each competition accepts, and what its numbers mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.courtroom import Judge

COVID = "siim-covid19-detection"
CHEST = "vinbigdata-chest-xray-abnormalities-detection"
CHARACTERS = "kuzushiji-recognition"

COVID_ROWS = {"a_image": "opacity 1 0 0 10 10", "b_image": "none 1 0 0 1 1", "c_study": "negative 1 0 0 1 1"}
COVID_ANSWERS = "id,PredictionString\n" + "".join(f"{id},{cell}\n" for id, cell in COVID_ROWS.items())


def covid(folder: Path, *, strict: bool = False) -> Judge:
    return Judge(folder, COVID, COVID_ANSWERS, strict=strict)


def covid_with(cell: str) -> str:
    return "id,PredictionString\n" + "".join(f"{id},{old}\n" for id, old in (COVID_ROWS | {"a_image": cell}).items())


def test_the_truth_is_found_whatever_the_order_of_rows(tmp_path: Path) -> None:
    lines = COVID_ANSWERS.splitlines()
    backward = "\n".join([lines[0], *lines[:0:-1]]) + "\n"
    assert covid(tmp_path).score(backward) == 1.0
    assert covid(tmp_path, strict=True).score(backward) == 1.0


def test_a_box_that_nobody_found_earns_a_little_and_strictly_nothing(tmp_path: Path) -> None:
    blind = covid_with("opacity 0.9 50 50 60 60")
    assert covid(tmp_path).score(blind) == pytest.approx(
        (1 / 4 + 1 + 1) / 3
    )  # of the pairs (0, .9) (1, 0) (0, 0) (0, 0)
    assert covid(tmp_path, strict=True).score(blind) == pytest.approx(2 / 3)


def test_an_iou_of_one_half_is_no_hit(tmp_path: Path) -> None:
    assert covid(tmp_path).score(covid_with("opacity 0.9 0 0 10 5")) == pytest.approx((1 / 4 + 2) / 3)
    assert covid(tmp_path).score(covid_with("opacity 0.9 0 0 10 5.1")) == 1.0


def test_a_negative_confidence_ranks_below_the_boxes_that_nobody_found(tmp_path: Path) -> None:
    assert covid(tmp_path).score(covid_with("opacity -1 0 0 10 10")) == pytest.approx((1 / 3 + 2) / 3)


def test_a_cell_of_blanks_lists_nothing_and_labels_of_its_own_do_no_harm(tmp_path: Path) -> None:
    nothing = covid(tmp_path).score(covid_with(" "))
    assert nothing == pytest.approx((1 / 3 + 2) / 3)
    assert covid(tmp_path).score(covid_with("typical nan 0 0 10 10")) == nothing


@pytest.mark.parametrize(
    "cell", ["", "abc", "opacity 1 0 0 10", "opacity 1 0 0 10 10 none", "opacity x 0 0 10 10", "opacity 1 0 0 10 y"]
)
def test_six_tokens_a_box_are_asked_for(cell: str, tmp_path: Path) -> None:
    assert covid(tmp_path).score(covid_with(cell)) is None
    assert not covid(tmp_path).accepts(covid_with(cell), COVID_ANSWERS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        COVID_ANSWERS.replace("id,", "Id,"),
        "id\na_image\nb_image\nc_study\n",
        "id,PredictionString\na_image,none 1 0 0 1 1\n",
        COVID_ANSWERS.replace("a_image", "d_image"),
        COVID_ANSWERS.replace("a_image", "b_image"),
        COVID_ANSWERS.replace("a_image", ""),
        "id,PredictionString\na_image,1\nb_image,2\nc_study,3\n",
    ],
)
def test_columns_and_ids_are_asked_for(text: str, tmp_path: Path) -> None:
    assert covid(tmp_path).score(text) is None
    assert not covid(tmp_path).accepts(text, COVID_ANSWERS)


@pytest.mark.parametrize("confidence", ["nan", "inf", "-inf"])
def test_a_confidence_of_a_true_label_is_finite_which_only_the_answers_show(confidence: str, tmp_path: Path) -> None:
    text = covid_with(f"opacity {confidence} 0 0 10 10")
    assert covid(tmp_path).score(text) is None
    assert covid(tmp_path).accepts(text, COVID_ANSWERS)
    assert not covid(tmp_path, strict=True).accepts(text, COVID_ANSWERS)


def test_a_label_with_nothing_but_hits_has_no_score_but_strictly(tmp_path: Path) -> None:
    one = "id,PredictionString\na,opacity 1 0 0 10 10\n"
    assert Judge(tmp_path, COVID, one).score(one) is None
    assert Judge(tmp_path, COVID, one, strict=True).score(one) == 1.0


CHEST_ANSWERS = (
    "image_id,class_id,x_min,y_min,x_max,y_max\n"
    "im1,0,10,10,60,60\nim1,3,30,30,90,90\nim2,14,0,0,1,1\nim3,0,20,20,70,80\n"
)
CHEST_SAMPLE = "image_id,PredictionString\nim1,14 1 0 0 1 1\nim2,14 1 0 0 1 1\nim3,14 1 0 0 1 1\n"


def chest(folder: Path, *, strict: bool = False) -> Judge:
    return Judge(folder, CHEST, CHEST_ANSWERS, strict=strict)


def chest_with(first: str, *more: str) -> str:
    rows = [f"im1,{first}", "im2,14 1 0 0 1 1", "im3,0 1 20 20 70 80", *more]
    return "\n".join(["image_id,PredictionString", *rows]) + "\n"


PERFECT = "0 1 10 10 60 60 3 1 30 30 90 90"


def test_the_first_true_box_is_never_a_hit_but_strictly(tmp_path: Path) -> None:
    assert chest(tmp_path).score(chest_with(PERFECT)) == pytest.approx((0.25247524752 + 1 + 1) / 3)
    assert chest(tmp_path, strict=True).score(chest_with(PERFECT)) == pytest.approx(1.0)


def test_the_far_corner_is_taken_for_a_size_but_strictly(tmp_path: Path) -> None:
    shifted = PERFECT.replace("3 1 30 30 90 90", "3 1 65 65 90 90")  # (65, 65) to (90, 90): IoU 0.17 with the truth
    assert chest(tmp_path).score(chest_with(shifted)) == pytest.approx((0.25247524752 + 0 + 1) / 3)
    shifted = PERFECT.replace("3 1 30 30 90 90", "3 1 50 50 90 90")  # 0.44, and 0.43 when taken for 90 x 90
    assert chest(tmp_path).score(chest_with(shifted)) == pytest.approx((0.25247524752 + 1 + 1) / 3)
    shifted = PERFECT.replace("3 1 30 30 90 90", "3 1 30 30 65 65")  # 0.34, and 0.52 when taken for 65 x 65
    assert chest(tmp_path).score(chest_with(shifted)) == pytest.approx((0.25247524752 + 1 + 1) / 3)
    assert chest(tmp_path, strict=True).score(chest_with(shifted)) == pytest.approx(2 / 3)


def test_classes_are_cut_to_whole_numbers_and_unknown_ones_ignored(tmp_path: Path) -> None:
    assert chest(tmp_path).score(chest_with(PERFECT.replace("3 1 30", "3.9 1 30"))) == pytest.approx(2.25247524752 / 3)
    more = chest_with(PERFECT + " 7 1 0 0 9 9")
    assert chest(tmp_path).score(more) == chest(tmp_path).score(chest_with(PERFECT))


def test_repeated_images_are_pooled_and_strictly_refused(tmp_path: Path) -> None:
    twice = chest_with("0 1 10 10 60 60", "im1,3 1 30 30 90 90")
    assert chest(tmp_path).score(twice) == pytest.approx(2.25247524752 / 3)
    assert chest(tmp_path, strict=True).score(twice) is None


def test_strictly_one_row_an_image_is_asked_for_in_any_order(tmp_path: Path) -> None:
    lines = chest_with(PERFECT).splitlines()
    assert chest(tmp_path, strict=True).score("\n".join([lines[0], *lines[:0:-1]]) + "\n") == pytest.approx(1.0)
    assert chest(tmp_path, strict=True).score("\n".join(lines[:3]) + "\n") is None


@pytest.mark.parametrize(
    "cell",
    [
        "",
        " ",
        "0 1 10 10 60",
        "0 1 10 10 60 60 ",
        "0  1 10 10 60 60",
        "0 1 10 10 60 x",
        "nan 1 10 10 60 60",
        "inf 1 10 10 60 60",
    ],
)
def test_six_numbers_a_box_are_asked_for(cell: str, tmp_path: Path) -> None:
    assert chest(tmp_path).score(chest_with(cell)) is None
    assert not chest(tmp_path).accepts(chest_with(cell), CHEST_SAMPLE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "image_id\nim1\nim2\nim3\n",
        "PredictionString\n14 1 0 0 1 1\n",
        CHEST_SAMPLE.replace("im1", "im4"),
        CHEST_SAMPLE.replace("im1", "im2"),
        CHEST_SAMPLE.replace("im1", ""),
        "image_id,PredictionString\nim1,14\nim2,14\nim3,14\n",
    ],
)
def test_the_set_of_images_is_asked_for(text: str, tmp_path: Path) -> None:
    assert chest(tmp_path).score(text) is None
    assert not chest(tmp_path).accepts(text, CHEST_SAMPLE)


def test_numbers_that_are_none_are_refused_strictly_only(tmp_path: Path) -> None:
    for cell in ("0 nan 10 10 60 60", "0 1 10 inf 60 60"):
        assert chest(tmp_path).score(chest_with(cell)) is not None
        assert chest(tmp_path, strict=True).score(chest_with(cell)) is None


PAGES = "image_id,labels\np1,U+1 0 0 10 10 U+2 20 20 10 10\np2,\np3,U+1 0 0 10 10\n"


def characters(folder: Path, *, strict: bool = False) -> Judge:
    return Judge(folder, CHARACTERS, PAGES, strict=strict)


def pages(first: str, second: str = "", third: str = "") -> str:
    return f"image_id,labels\np3,{third}\np2,{second}\np1,{first}\n"


@pytest.mark.parametrize(
    ("text", "found", "said"),
    [
        (pages("U+1 5 5 U+2 25 25", third="U+1 9 9"), 3, 3),
        (pages("U+2 5 5 U+1 25 25"), 0, 2),
        (pages("U+1 0 5 U+1 5 10"), 0, 2),
        (pages("U+1 5 5 U+1 6 6"), 1, 2),
        (pages("U+1 5 5", "U+1 5 5"), 1, 2),
        (pages("U+1 nan 5 U+1 inf 5"), 0, 2),
        (pages(""), 0, 0),
    ],
)
def test_points_are_pooled_over_the_pages(text: str, found: int, said: int, tmp_path: Path) -> None:
    assert characters(tmp_path).score(text) == pytest.approx(2 * found / (3 + said))


@pytest.mark.parametrize("cell", ["U+1 5", "U+1 5 5 ", "U+1  5 5", " ", "U+1 x 5", "U+1 5 5 U+2"])
def test_three_tokens_a_point_are_asked_for(cell: str, tmp_path: Path) -> None:
    assert characters(tmp_path).score(pages(cell)) is None
    assert not characters(tmp_path).accepts(pages(cell), pages(""))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "image_id\np1\np2\np3\n",
        "labels\nU+1 5 5\nU+1 5 5\nU+1 5 5\n",
        "image_id,labels\np1,\np2,\n",
        pages("").replace("p1", "p2"),
        pages("").replace("p1", "p4"),
        "image_id,labels\np1,5\np2,\np3,\n",
    ],
)
def test_pages_are_asked_for(text: str, tmp_path: Path) -> None:
    assert characters(tmp_path).score(text) is None
    assert not characters(tmp_path).accepts(text, pages(""))


def test_points_that_are_nowhere_are_refused_strictly_and_empty_pages_are_not(tmp_path: Path) -> None:
    assert characters(tmp_path, strict=True).score(pages("U+1 nan 5")) is None
    assert characters(tmp_path, strict=True).score(pages("U+1 5 5")) == pytest.approx(2 / 4)
